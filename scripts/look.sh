#!/usr/bin/env bash
# What a run does at this moment; changes nothing and waits for nothing.
# Usage: look.sh RUN_DIRECTORY LOG_BYTES
# Lines: "state running|ended CODE|lost|waiting", "progress JSON", "epoch JSON" (the last 60), "gpu CSV" (the newest of each),
# "stall TEXT"; then "log N" and the last N bytes of the log, LOG_BYTES at most.

set -u
cd "$1" 2>/dev/null || { echo 'state waiting'; exit; }
most=$2

state() {
  local pid
  pid=$(cat pid 2>/dev/null)
  if [[ -s exit_code ]]; then
    echo "ended $(cat exit_code)"
  elif [[ -z $pid ]]; then
    echo waiting
  elif kill -0 "$pid" 2>/dev/null; then
    echo running
  else
    echo lost
  fi
}

printf 'state %s\n' "$(state)"
printf 'progress %s\n' "$(head -c 4096 out/progress.json 2>/dev/null | tr -d '\n')"
tail -n 60 out/metrics.jsonl 2>/dev/null | sed 's/^/epoch /'
tail -n 16 gpu.csv 2>/dev/null | sed 's/^/gpu /'
for file in stalls/*; do
  [[ -e $file ]] && printf 'stall %s\n' "$([[ -s $file ]] && cat "$file" || echo "${file##*/}")"
done
size=$({ wc -c <log; } 2>/dev/null || echo 0)
size=$((size < most ? size : most))
printf 'log %d\n' "$size"
((size == 0)) || tail -c "$size" log
