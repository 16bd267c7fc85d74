#!/bin/sh
# Runs once before everything else: makes each secret that is not there yet, and never changes one. Each folder is a volume that only
# the services which need it have mounted. Usage: make-secrets.sh FOLDER/NAME …
set -eu

umask 022
for secret in "$@"; do
    file="${SECRETS_DIR:-/run/secrets}/$secret"
    if [ -s "$file" ]; then
        continue
    fi
    # Under another name first: a file that is there is whole.
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
    mv "$file.new" "$file"
    echo "Made $secret."
done
