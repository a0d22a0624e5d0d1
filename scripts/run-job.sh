#!/usr/bin/env bash
# Run the job and keep its books: pid, log, heartbeat, GPU samples, exit code; then give the client a grace time.
# Usage: run-job.sh RUN_DIRECTORY PYTHON JOB GRACE_SECONDS [tell|end]    (start-job.sh calls it; 0: never power off)
# Files in RUN_DIRECTORY: pid, log, heartbeat, gpu.csv, stalls/, out/ (what the job writes), exit_code (last, and whole).

set -uo pipefail
run=$1 python=$2 job=$3 grace_s=$4 on_stall=${5:-tell}
scripts=$run/scripts
cd "$run" || exit 1
source scripts/job-processes.sh
(set -o noclobber && echo $$ >pid) 2>/dev/null || exit 0 # somebody else has started this job
mkdir -p out
rm -rf stalls stall_end # of a machine that was lost
head -c 65536 /dev/zero >reserve # room for the exit code on a disk that the job has filled

write_exit_code() { printf '%s\n' "$1" >exit_code.part && mv -f exit_code.part exit_code; }

wrapper_lives() { kill -0 $$; } # it may be killed; what it started must not go on for ever

sample_gpu() { # a line per GPU each five seconds, in the columns that gpu.sh names
  command -v nvidia-smi >/dev/null || return
  while sleep 5 && wrapper_lives; do bash "$scripts/gpu.sh" >>gpu.csv 2>/dev/null; done
}

power_off() { ((grace_s == 0)) || bash "$scripts/deadline.sh" "$@"; } # 0: a machine that is not ours to end

beat() { while wrapper_lives && touch heartbeat; do sleep 5; done; }

end_forked() { # what the job forked and left behind
  kill -KILL -- "-$child" 2>/dev/null
  job_processes "$run" | xargs -r kill -KILL 2>/dev/null
}

# The job gets a process group of its own, and a mark, so that what it forks can be ended with it.
(cd code && export GPU_JOB=$run && exec setsid "$python" -u -m "jobs.$job" --params "$run/params.json" --out "$run/out") >>log 2>&1 </dev/null &
child=$!
trap 'kill -TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null' TERM
sample_gpu & sampler=$!
beat & heart=$!
bash "$scripts/watch-spot.sh" "$run" $$ >/dev/null 2>&1 & spot=$!
bash "$scripts/watch-stalls.sh" "$run" $$ "$on_stall" >/dev/null 2>&1 & stalls=$!
power_off start off

# A trapped signal makes wait return early, so ask again until the job is really gone.
status=0
while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done
end_forked

kill "$sampler" "$heart" "$spot" "$stalls" 2>/dev/null
bash "$scripts/watch-stalls.sh" "$run" $$ last >/dev/null 2>&1
rm -f reserve
[[ -e stall_end && $status == 0 ]] && status=143 # ended by SIGTERM, whatever the job thinks of it
power_off grace "$grace_s"
sync
write_exit_code "$status"
