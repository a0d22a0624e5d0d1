#!/usr/bin/env bash
# What benchmarks.overhead compares bin/fab with: a script of ssh and scp, as one would write it by hand. It sends the
# files in one archive, checks their SHA-256, prepares the environment, starts the job under nohup, shows its log.
# Usage: bare.sh SSH_CONFIG HOST CHECKOUT JOB PYTHON REMOTE_DIRECTORY [-o SSH_OPTION ...]

# shellcheck disable=SC2029 # what stands in the remote commands is meant to be filled in here
set -euo pipefail
config=$1 host=$2 checkout=$3 job=$4 python=$5 run=$6
options=(-F "$config" "${@:7}")
archive=$(mktemp -d)
trap 'rm -rf "$archive"' EXIT

cd "$checkout"
sha256sum jobs/*.py jobs/*/*.py scripts/*.sh pyproject.toml >"$archive/SHA256SUMS"
tar -cf "$archive/$run.tar" jobs/*.py jobs/*/*.py scripts/*.sh pyproject.toml -C "$archive" SHA256SUMS
scp -q "${options[@]}" "$archive/$run.tar" "$host:"
ssh "${options[@]}" "$host" "set -e
  mkdir -p $run/code && tar -xf $run.tar -C $run/code && rm $run.tar
  cd $run/code && sha256sum --quiet --check SHA256SUMS && mv scripts ..
  echo '{}' >../params.json
  python=\$(bash ../scripts/setup-env.sh $python pyproject.toml ../venv)
  bash ../scripts/start-job.sh .. \$python $job 0"
ssh "${options[@]}" "$host" "tail -n +1 -f $run/log"
