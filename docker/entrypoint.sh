#!/bin/sh
# Runs in the container. Secrets come as files, so that `docker inspect` shows none: SLUICE_API_TOKEN_FILE names the file of
# SLUICE_API_TOKEN, DATABASE_PASSWORD_FILE that of the password that DATABASE_URL is without.
set -eu

if [ -n "${SLUICE_API_TOKEN_FILE:-}" ]; then
    SLUICE_API_TOKEN=$(cat "$SLUICE_API_TOKEN_FILE")
    export SLUICE_API_TOKEN
fi

if [ -n "${DATABASE_PASSWORD_FILE:-}" ]; then
    # As a parameter of the URL, which may have some already. Characters that mean something there: as %XX in the file.
    case $DATABASE_URL in
        *\?*) separator='&' ;;
        *) separator='?' ;;
    esac
    DATABASE_URL="$DATABASE_URL${separator}password=$(cat "$DATABASE_PASSWORD_FILE")"
    export DATABASE_URL
fi

# A SLUICE_… variable that the program does not know is an error.
unset SLUICE_API_TOKEN_FILE DATABASE_PASSWORD_FILE
exec "$@"
