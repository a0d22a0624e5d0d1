#!/usr/bin/env bash
# Send the log of a run from a byte offset on, with progress and GPU, as frames on one connection, until the job ends.
# Usage: follow.sh RUN_DIRECTORY OFFSET
# Frames, one header line each: "log N" then N bytes; "progress JSON"; "gpu CSV"; "stall TEXT", nothing when it is over;
# "beat"; last "exit CODE", "lost", "taken" (spot) or "absent" (no job was started here).

set -uo pipefail
cd "$1" 2>/dev/null || { printf 'absent\n'; exit; }
offset=$2
most=$((1 << 20)) # bytes in a frame, so that neither end holds more
brisk=40 # so many first ticks are short: whoever has just started a job waits for its first line
progress='' gpu='' stall='?' # whatever was told before, by another machine perhaps, may be over

send_log() {
  local size count
  size=$([[ -e log ]] && wc -c <log || echo 0)
  while ((size > offset)); do
    count=$((size - offset < most ? size - offset : most))
    printf 'log %d\n' "$count"
    tail -c "+$((offset + 1))" log | head -c "$count"
    offset=$((offset + count))
  done
}

send_news() { # progress, GPU and stalls, only when they differ from what was sent last
  local now
  now=$(head -c 4096 out/progress.json 2>/dev/null | tr -d '\n')
  [[ $now == "$progress" ]] || printf 'progress %s\n' "$now"
  progress=$now
  now=$(tail -n 1 gpu.csv 2>/dev/null)
  [[ $now == "$gpu" ]] || printf 'gpu %s\n' "$now"
  gpu=$now
  now=$(stalls)
  [[ $now == "$stall" ]] || printf 'stall %s\n' "$now"
  stall=$now
}

stalls() { # on a full disk such a file may be empty; its name tells
  local file separator=''
  for file in stalls/*; do
    [[ -e $file ]] && printf '%s%s' "$separator" "$([[ -s $file ]] && cat "$file" || echo "${file##*/}")"
    separator='; '
  done
}

command -v nvidia-smi >/dev/null || printf 'gpu none\n'
for ((tick = 0; ; tick++)); do
  ended=$(cat exit_code 2>/dev/null) # read before the log, so that the log is complete when the job has ended
  pid=$(cat pid 2>/dev/null)
  alive=$([[ -n $pid ]] && kill -0 "$pid" 2>/dev/null && echo yes)
  send_log
  send_news
  [[ -n $ended && -s spot_notice && $ended != 0 ]] && { printf 'taken\n'; exit; }
  [[ -n $ended ]] && { printf 'exit %s\n' "$ended"; exit; }
  [[ -z $pid && ! -s exit_code ]] && { printf 'absent\n'; exit; }
  [[ -z $alive && ! -s exit_code ]] && { printf 'lost\n'; exit; }
  ((tick % 6 == 0)) && printf 'beat\n'
  if ((tick < brisk)); then sleep 0.05; else sleep 0.5; fi
done
