#!/usr/bin/env bash
# Summary: Train a job from cron: one at a time, silent when all went well, a log that is kept.
# Usage: bin/train-cron.sh JOB [options of bin/fab train]
# Crontab, every Sunday at three:   0 3 * * 0  /path/to/ec2-gpu-jobs/bin/train-cron.sh lstm_aiw
# Prints nothing on success, so that cron mails trouble alone; else the reason, the log's last lines, where to look.
# Exits as bin/fab does: 0 ok, 4 no capacity, 5 job failed, 6 timed out, 7 denied, 8 not verified, 9 still running.

source "$(dirname "${BASH_SOURCE[0]}")/_environment.sh"
[[ ${1-} == -h || ${1-} == --help ]] && { show_help; exit; }
[[ $# -ge 1 && $1 != -* ]] || die "expected a JOB first, got '${1-nothing}'. See: bin/train-cron.sh --help" 2
job=$1
shift
[[ $job =~ ^[a-z][a-z0-9_]*$ ]] || die "expected the name of a file in jobs/, such as lstm_aiw, got '$job'" 2
ensure_environment client embedded jobs cpu 2> >(grep -v '^setup ' >&2) # progress is no trouble, a failure is
logs=$ROOT/runs/cron
log=$logs/$job.log
mkdir -p "$logs"

rotate() { # keeps the present log and four older ones
  local number
  [[ -f $log && $(wc -c <"$log") -gt 1000000 ]] || return 0
  for number in 3 2 1; do [[ -f $log.$number ]] && mv -f "$log.$number" "$log.$((number + 1))"; done
  mv -f "$log" "$log.1"
}

# The lock belongs to the open file 9, which this shell and its bin/fab keep: it is gone as soon as they are.
exec 9>>"$logs/$job.lock"
"$PYTHON" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null ||
  die "the last run of $job is still at work. Expected it to have ended; see: $log" 9

rotate
: >>"$log"
began=$(($(wc -c <"$log") + 1))
cd "$ROOT"
status=0
{
  printf '\n=== %s  train %s %s\n' "$(date '+%Y-%m-%d %H:%M:%S %z')" "$job" "$*"
  bin/fab reap --yes || status=$? # what can't be ended is trouble, but no reason not to train
  bin/fab train --job "$job" "$@" || status=$?
} >>"$log" 2>&1 </dev/null
((status == 0)) && exit 0

printf 'train-cron.sh: %s ended with exit code %d. The end of its log (%s):\n\n' "$job" "$status" "$log"
tail -c "+$began" "$log" | tail -n 30
exit "$status"
