#!/usr/bin/env bash
# Let the job be started again on a volume whose last machine was lost; not if it runs here, or had ended by itself.
# Usage: forget-lost.sh RUN_DIRECTORY

set -uo pipefail
cd "$1" 2>/dev/null || exit 0
pid=$(cat pid 2>/dev/null)
[[ -n $pid ]] && grep -qs run-job.sh "/proc/$pid/cmdline" && exit 0 # the number may be another process's here

# 143 is no end of its own: the machine was switched off, or wanted back.
ended=$(cat exit_code 2>/dev/null)
[[ -n $ended && $ended != 143 && ($ended == 0 || ! -s spot_notice) ]] && exit 0
rm -f pid exit_code spot_notice
