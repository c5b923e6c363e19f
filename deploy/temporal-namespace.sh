#!/bin/sh
# Footbridge's namespace and its search attributes, before a worker starts: one that sets an unknown attribute is stuck.
# Again is harmless. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where.
set -eu

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention 180d
else
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 180d
fi

# One attribute a call: with several names in one call the command line makes the first only and reports success.
attribute() {
    temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
}

# A new namespace takes a few seconds until every part of the server knows it.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    attribute FootbridgeProgram Keyword && attribute FootbridgeSetting Keyword &&
        attribute FootbridgeNextItem Keyword && attribute FootbridgeNextAt Datetime && exit 0
    echo "Trying again ($attempt of 10)"
    sleep 2
done
echo "The search attributes could not be made." >&2
exit 1
