#!/bin/sh
# Runs the given make targets one after the other, with the time that each takes.
#
# Usage: tools/checks.sh TARGET…
set -eu
began=$(date +%s)
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
