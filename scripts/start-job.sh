#!/usr/bin/env bash
# Start the job under nohup in a session of its own, so that it outlives this connection; print its wrapper's pid.
# Usage: start-job.sh RUN_DIRECTORY PYTHON JOB GRACE_SECONDS [tell|end]
# Repeating it does not start a second job: run-job.sh claims the pid file, and the pid of the first is printed.

set -euo pipefail
run=$(cd "$1" && pwd)
cd "$run"

# All three streams must be redirected, and nothing but the command put into the background: whatever keeps a stream
# of ours open keeps sshd's channel open, until the job ends.
if [[ ! -s pid ]]; then
  nohup setsid bash "$run/scripts/run-job.sh" "$run" "${@:2}" >>wrapper.log 2>&1 </dev/null &
fi
for ((tries = 0; tries < 500; tries++)); do
  if [[ -s pid ]]; then cat pid; exit; fi
  sleep 0.02
done
printf 'start-job.sh: the job did not start within 10 s: %s\n' "$(tail -n 1 wrapper.log 2>/dev/null)" >&2
exit 1
