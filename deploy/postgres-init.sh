#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: two roles that cannot read each other's databases.
set -eu

psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=footbridge_password="$FOOTBRIDGE_POSTGRES_PASSWORD" \
    --set=temporal_password="$TEMPORAL_POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE footbridge LOGIN PASSWORD :'footbridge_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE footbridge OWNER footbridge;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE footbridge, temporal, temporal_visibility FROM PUBLIC;
SQL
