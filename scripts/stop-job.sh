#!/usr/bin/env bash
# Ask the job to save and end (SIGTERM), then insist (SIGKILL); returns once it is gone.
# Usage: stop-job.sh RUN_DIRECTORY PATIENCE_SECONDS

set -uo pipefail
cd "$1" || exit 1
patience_s=$2
wrapper=$(cat pid 2>/dev/null) || exit 0

gone() { ! kill -0 "$wrapper" 2>/dev/null; }

gone || kill -TERM "$wrapper"
for ((tries = 0; tries < patience_s * 5; tries++)); do
  gone && exit 0
  sleep 0.2
done
pkill -KILL -P "$wrapper" # the job, which ignores SIGTERM; the wrapper then writes its exit code
for ((tries = 0; tries < 50; tries++)); do
  gone && exit 0
  sleep 0.2
done
kill -KILL "$wrapper"
