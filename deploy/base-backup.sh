#!/bin/sh
# A base backup of the whole PostgreSQL server into a new folder, with the WAL that makes it whole; verified at once.
# Reach the server by PGHOST, PGPORT, PGUSER (with REPLICATION) and PGPASSFILE: no password stands on a command line.
#   base-backup.sh /srv/base-backups
set -eu
umask 077

folder=${1:?say where base backups are kept}
name="$folder/base-$(date -u +%Y%m%dT%H%M%SZ)"
mkdir -p "$folder"
trap 'rm -rf "$name.part"' EXIT
pg_basebackup --pgdata "$name.part" --format plain --wal-method stream --checkpoint fast --no-password
# Of the server's own version, which reads its WAL; Debian and Red Hat keep it out of the usual path.
version=$(cat "$name.part/PG_VERSION")
PATH="/usr/lib/postgresql/$version/bin:/usr/pgsql-$version/bin:$PATH" pg_verifybackup --quiet "$name.part"
mv "$name.part" "$name"
echo "$name"
