#!/bin/sh
# Runs the given make targets one after the other, with the time that each takes. What a target could
# not run it notes in the file IMMUTANT_NOT_RUN; those notes are the last lines.
#
# Usage: tools/checks.sh TARGET…
set -eu
began=$(date +%s)
IMMUTANT_NOT_RUN=$(mktemp)
export IMMUTANT_NOT_RUN
trap 'rm -f "$IMMUTANT_NOT_RUN"' EXIT
for check in "$@"; do
    since=$(date +%s)
    printf '\n== %s\n' "$check"
    if ! "${MAKE:-make}" --no-print-directory "$check"; then
        printf '\n%s failed; run it alone with: make %s\n' "$check" "$check" >&2
        exit 1
    fi
    printf '== %s: %s s\n' "$check" "$(($(date +%s) - since))"
done
printf '\nall checks passed in %s s\n' "$(($(date +%s) - began))"
cat "$IMMUTANT_NOT_RUN"
