# What a stall is. Sourced by watch-stalls.sh in the run's folder; times are counted in its looks, tick_s seconds apart.
# shellcheck shell=bash disable=SC2154

short=12  # looks, a minute: so long without a step is nothing, for a checkpoint may be written
long=120  # looks, ten minutes
known=3   # steps after which it is known what is usual
position='' since='' first=0 last=0 steps=0 longest=0 at_end='' evaluated='' # of the steps seen since the start
epoch='' step='' steps_in_epoch='' here=''
gpu_lines=0 idle=0 begun=''

number() { # number NAME: that of progress.json, into found
  local pattern="\"$1\": *([0-9]+)"
  found=''
  [[ $progress =~ $pattern ]] && found=${BASH_REMATCH[1]}
}

read_progress() { # into epoch, step, steps_in_epoch and here
  progress=$(cat out/progress.json 2>/dev/null)
  number epoch; epoch=$found
  number step; step=$found
  number steps; steps_in_epoch=$found
  here=$epoch/$step/$({ wc -l <out/metrics.jsonl; } 2>/dev/null)
}

observe_steps() {
  read_progress
  [[ $here == "$position" ]] && return
  if ((first == 0)); then
    first=$now begun=yes idle=0 # whatever came before it, such as a download, doesn't count
  else
    ((now - last > longest)) && longest=$((now - last))
    steps=$((steps + 1)) evaluated=$evaluated$at_end
  fi
  position=$here last=$now since=$(date -u +%H:%M:%S) at_end=''
  [[ $step == "$steps_in_epoch" ]] && at_end=yes
}

observe_gpus() { # how many looks in a row found new samples, all of them at 0 %
  local use new='' busy=''
  while IFS=, read -r _ _ use _; do
    gpu_lines=$((gpu_lines + 1)) new=yes
    [[ $use == ' 0' ]] || busy=yes
  done < <(tail -n "+$((gpu_lines + 1))" gpu.csv 2>/dev/null)
  if [[ -n $busy ]]; then
    idle=0 begun=yes
  elif [[ -n $new ]]; then
    idle=$((idle + 1))
  fi
}

bad_loss() { # of a job that says no more than a log, in there
  { cat out/progress.json; tail -n 1 out/metrics.jsonl; } 2>/dev/null | grep -Eq '"[A-Za-z_]*loss": *-?(NaN|Infinity)' ||
    tail -c 4096 log | grep -Eaiq '(^|[^a-z])loss[:= ]+-?(nan|inf)([^a-z]|$)' || return
  echo 'the loss is not a number'
}

full_disk() { # less than 1 % is left, and less than 100 MiB
  df -Pk . | awk 'NR == 2 && $4 < 102400 && $4 < $2 / 100 {
    printf "the disk is full: %d of %d MiB are free\n", $4 / 1024, $2 / 1024 }'
}

no_step() {
  ((steps >= known)) || return
  local usual=$(((last - first + steps - 1) / steps)) patience=$short
  ((10 * usual > patience)) && patience=$((10 * usual))
  ((2 * longest > patience)) && patience=$((2 * longest))
  # The first evaluation: nobody knows how long it takes; surely not longer than the training before it.
  [[ -n $at_end && -z $evaluated ]] && ((last - first > patience)) && patience=$((last - first))
  ((now - last > patience)) && echo "no step since $since UTC, usually one within $((usual * tick_s)) s"
}

idle_gpu() { # before the first step, or the first use of it, an hour: data may be on their way
  ((idle >= (${#begun} ? long : 6 * long))) && echo "the GPU has been at 0 % for $((idle * tick_s / 60)) min"
}

read_progress
position=$here # what an earlier process has left is no step
