#!/usr/bin/env bash
# Ask the job to save and end (SIGTERM), then insist (SIGKILL); returns once it is gone.
# Usage: stop-job.sh RUN_DIRECTORY PATIENCE_SECONDS

set -uo pipefail
cd "$1" || exit 1
patience_s=$2
wrapper=$(cat pid 2>/dev/null) || exit 0
source scripts/job-processes.sh

watched() { grep -qs run-job.sh "/proc/$wrapper/cmdline"; } # not so a zombie, or another process of that number
gone() { ! watched && [[ -z $(job_processes "$PWD") ]]; }

if watched; then
  kill -TERM "$wrapper"
else # killed, by a machine short of memory perhaps, it has left the job to itself
  job_processes "$PWD" | xargs -r kill -TERM
fi
for ((tries = 0; tries < patience_s * 5; tries++)); do
  gone && exit 0
  sleep 0.2
done
job_processes "$PWD" | xargs -r kill -KILL # it ignores SIGTERM; its wrapper then writes its exit code
for ((tries = 0; tries < 50; tries++)); do
  gone && exit 0
  sleep 0.2
done
watched && kill -KILL "$wrapper"
exit 0
