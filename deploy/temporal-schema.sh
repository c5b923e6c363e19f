#!/bin/sh
# Temporal's tables, at first and after every upgrade of its image. Again is harmless. The tool's own variables (SQL_TLS
# and so on) say with which certificate it comes.
set -eu

tool() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --db "$database" "$@"
}

for pair in temporal:temporal temporal_visibility:visibility; do
    tool "${pair%%:*}" setup-schema -v 0.0
    tool "${pair%%:*}" update-schema -d "/etc/temporal/schema/postgresql/v12/${pair##*:}/versioned"
done
