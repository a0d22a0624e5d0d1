# shellcheck shell=bash
# Sourced: job_processes RUN_DIRECTORY prints the pids of a run's job and of all that it has forked, also in sessions of
# its own: run-job.sh marks its environment, which they inherit. Nothing where there is no /proc.

job_processes() {
  grep -lszxF "GPU_JOB=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}
