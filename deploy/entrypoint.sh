#!/bin/sh
# Temporal's secret from a file: TEMPORAL_API_KEY_FILE=/run/secrets/key becomes TEMPORAL_API_KEY. Then the command.
# Footbridge reads its own (FOOTBRIDGE_SECRET_KEY_FILE and so on) itself.
set -eu

file=${TEMPORAL_API_KEY_FILE:-}
if [ -n "$file" ]; then
    if [ -n "${TEMPORAL_API_KEY:-}" ]; then
        echo "Set TEMPORAL_API_KEY or TEMPORAL_API_KEY_FILE, not both." >&2
        exit 1
    fi
    if [ ! -r "$file" ]; then
        echo "TEMPORAL_API_KEY_FILE names $file, which cannot be read." >&2
        exit 1
    fi
    if [ -n "$(find -L "$file" -perm /077)" ]; then
        echo "TEMPORAL_API_KEY_FILE: others than its owner may read $file. Run: chmod 600 $file" >&2
        exit 1
    fi
    TEMPORAL_API_KEY=$(cat "$file") # without the line break at its end
    export TEMPORAL_API_KEY
    unset TEMPORAL_API_KEY_FILE
fi

exec "$@"
