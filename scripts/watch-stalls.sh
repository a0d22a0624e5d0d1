#!/usr/bin/env bash
# Tell when the job has stalled: at once in its log, and in stalls/KIND for as long as that lasts.
# Usage: watch-stalls.sh RUN_DIRECTORY WRAPPER_PID tell|end|last     (run-job.sh calls it)
# KINDs: loss (no number), step (none for ten times the usual), disk (full), gpu (ten minutes at 0 %).
# tell: no more than that. end: the job is asked to save, and ended. last: the job has ended, look once more.

set -u
export LC_ALL=C # a log may hold any bytes
run=$1 wrapper=$2 mode=$3
cd "$run" || exit 1
tick_s=5 # between two looks
now=0
source scripts/stalls.sh
mkdir -p stalls

note() { # note TEXT: a line of its own in the job's log
  local last newline=$'\n'
  last=$(tail -c 1 log)
  printf '%sstall    %s\n' "${last:+$newline}" "$1" >>log
}

tell() { # tell KIND REASON: what begins is told once, and so is its end
  local file=stalls/$1
  if [[ -n $2 && ! -e $file ]]; then
    note "$2"
    printf '%s\n' "$2" >"$file"
  elif [[ -z $2 && -e $file ]]; then
    note "over: $(cat "$file")"
    rm -f "$file"
  fi
}

while [[ $mode == last ]] || { sleep "$tick_s" && kill -0 "$wrapper" 2>/dev/null; }; do
  now=$((now + 1))
  full=$(full_disk)
  [[ $mode == last ]] && rm -f reserve # run-job.sh's, that there is room to say it
  tell disk "$full"
  tell loss "$(bad_loss)"
  [[ $mode == last ]] && exit
  observe_steps
  observe_gpus
  tell step "$(no_step)"
  tell gpu "$(idle_gpu)"
  if [[ $mode == end && -n $(ls stalls) ]]; then
    note 'on_stall is end: the job is asked to save, and ended'
    touch stall_end
    bash scripts/stop-job.sh "$run" 60
    exit
  fi
done
