#!/bin/sh
# Secrets from files: FOOTBRIDGE_SECRET_KEY_FILE=/run/secrets/key becomes FOOTBRIDGE_SECRET_KEY. Then the command.
set -eu

for name in $(env | sed -nE 's/^((FOOTBRIDGE_[A-Z_]+|TEMPORAL_API_KEY))_FILE=.*/\1/p'); do
    eval "file=\$${name}_FILE"
    if [ -n "$(eval "printf %s \"\${${name}:-}\"")" ]; then
        echo "Set $name or ${name}_FILE, not both." >&2
        exit 1
    fi
    if [ ! -r "$file" ]; then
        echo "${name}_FILE names $file, which cannot be read." >&2
        exit 1
    fi
    value=$(cat "$file") # without the line break at its end
    export "$name=$value"
    unset "${name}_FILE"
done

exec "$@"
