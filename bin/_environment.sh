# shellcheck shell=bash
# Sourced by every command of bin/: where the checkout is, which Python runs it, and how to say what is wrong.
#
# Sets ROOT and PYTHON. ensure_environment GROUP... installs the pinned packages of pyproject.toml into .venv the
# first time, or uses the active conda environment where that has them. Works from cron: needs no PATH but /usr/bin:/bin.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PYTHON=$ROOT/.venv/bin/python

die() { # die MESSAGE [EXIT_CODE]
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-1}"
}

show_help() { # prints the header comment of the command that was called
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$0"
}

conda_has_packages() {
  local packages
  [[ -n ${CONDA_PREFIX-} ]] || return 1
  for packages in "$CONDA_PREFIX"/lib/python3.1[123]/site-packages; do
    [[ -d $packages/fabric && -d $packages/boto3 && -d $packages/moto && -d $packages/tensorflow ]] && return 0
  done
  return 1
}

suitable_python() { # prints the first Python 3.11 to 3.13 that can make a virtual environment
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "Found no Python 3.11, 3.12 or 3.13 with venv. Install one (Debian: apt install python3-venv; macOS: brew install python@3.12), or: conda env create -f environment.yml && conda activate ec2-gpu-jobs" 2
}

take_setup_lock() { # two first commands at once: the second waits for the first, and takes over from a dead one
  local holder
  until mkdir "$ROOT/.venv.lock" 2>/dev/null; do
    holder=$(cat "$ROOT/.venv.lock/pid" 2>/dev/null || true)
    if [[ -n $holder ]] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$ROOT/.venv.lock"; else sleep 1; fi
  done
  echo $$ >"$ROOT/.venv.lock/pid"
  trap 'rm -rf "$ROOT/.venv.lock"' EXIT
}

install_groups() { # install_groups GROUP...
  local log=$ROOT/.venv/setup.log group arguments=()
  for group in "$@"; do arguments+=(--group "$group"); done
  [[ -x $PYTHON ]] || "$(suitable_python)" -m venv "$ROOT/.venv"
  cd "$ROOT"
  { "$PYTHON" -m pip install 'pip>=25.1' && "$PYTHON" -m pip install "${arguments[@]}"; } >"$log" 2>&1 ||
    die "pip could not install the pinned packages: $(grep -m1 ERROR "$log" || tail -n1 "$log"). All it said: $log" 1
}

choose_python() { # sets PYTHON: the active conda environment's where that has the packages, else .venv's
  if conda_has_packages; then PYTHON=$CONDA_PREFIX/bin/python; fi
}

ensure_environment() { # ensure_environment GROUP...: sets PYTHON; quick when nothing has changed
  local stamp started=$SECONDS groups="$*"
  choose_python
  [[ $PYTHON == "$ROOT"/.venv/* ]] || return 0
  stamp="$ROOT/.venv/installed-${groups// /-}"
  [[ $stamp -nt $ROOT/pyproject.toml ]] && return
  (
    take_setup_lock
    [[ $stamp -nt $ROOT/pyproject.toml ]] && exit 0
    printf 'setup    the pinned packages go into .venv, once: about 600 MB, a minute or two ...\n' >&2
    install_groups "$@"
    touch "$stamp"
    printf 'setup    done in %d s\n' $((SECONDS - started)) >&2
  ) || exit
}
