#!/bin/sh
# Runs in PostgreSQL's image, as its administrator: makes these roles of sql/roles, or brings them up to date, each with the
# password in its folder. PGHOST, PGUSER and PGDATABASE say where. Usage: set-up-roles.sh owner | loader api_reader
set -eu

roles=${ROLES_DIR:-/roles}
export SECRETS="${SECRETS_DIR:-/run/secrets}"
PGPASSWORD=$(cat "$SECRETS/admin/password")
export PGPASSWORD

for script in "$@"; do
    export PART="${script%_reader}"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file "$roles/$script.sql" --file - <<'SQL'
\set role `echo "sluice_$PART"`
\set password `cat "$SECRETS/$PART/password"`
alter role :"role" password :'password';
SQL
done
