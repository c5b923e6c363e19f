#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: two roles that cannot read each other's databases. Neither has a password:
# they come with certificates (pg_hba.conf).
set -eu

psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE footbridge LOGIN;
CREATE ROLE temporal LOGIN;
CREATE DATABASE footbridge OWNER footbridge;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE footbridge, temporal, temporal_visibility FROM PUBLIC;
SQL
