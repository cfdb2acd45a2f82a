#!/bin/sh
# Runs the given make targets one after the other, with the time that each takes. What a target could
# not run it notes in the file IMMUTANT_NOT_RUN; those notes are the last lines.
#
# Usage: tools/checks.sh TARGET…
# TARGET+OTHER runs OTHER beside TARGET, yielding to it: for a target that mostly waits, and another
# one that only computes.
set -eu
began=$(date +%s)
IMMUTANT_NOT_RUN=$(mktemp)
beside_log=$(mktemp)
beside_pid=
export IMMUTANT_NOT_RUN
trap 'rm -f "$IMMUTANT_NOT_RUN" "$beside_log"; [ -z "$beside_pid" ] || kill "$beside_pid" 2>/dev/null || :' EXIT

run() {
    "${MAKE:-make}" --no-print-directory "$1"
}

fail() {
    printf '\n%s failed; run it alone with: make %s\n' "$1" "$1" >&2
    exit 1
}

for check in "$@"; do
    since=$(date +%s)
    printf '\n== %s\n' "$check"
    target=${check%%+*}
    if [ "$target" != "$check" ]; then
        nice -n 19 "${MAKE:-make}" --no-print-directory "${check#*+}" >"$beside_log" 2>&1 &
        beside_pid=$!
    fi
    run "$target" || fail "$target"
    if [ -n "$beside_pid" ]; then
        status=0
        wait "$beside_pid" || status=$?
        beside_pid=
        cat "$beside_log"
        [ "$status" = 0 ] || fail "${check#*+}"
    fi
    printf '== %s: %s s\n' "$check" "$(($(date +%s) - since))"
done
printf '\nall checks passed in %s s\n' "$(($(date +%s) - began))"
cat "$IMMUTANT_NOT_RUN"
