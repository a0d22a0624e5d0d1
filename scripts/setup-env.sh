#!/usr/bin/env bash
# Print a Python interpreter that has the pinned packages: the image's own if it does, else a venv made from the pins.
# Usage: setup-env.sh PYTHON PYPROJECT VENV_DIRECTORY [PACKAGE...]    (what this job needs besides; any version will do)
# The venv is kept and re-used as long as the pins are unchanged; with an NVIDIA GPU it gets TensorFlow with CUDA.

set -euo pipefail
python=$1 pyproject=$2 venv=$3
shift 3
[[ $venv == /* ]] || venv=$PWD/$venv # the job starts in another folder
log=$venv.log
pins=$(sha256sum <"$pyproject" | cut -d' ' -f1)

print_if_pinned() { # an interpreter's absolute path, if it has the PACKAGEs, and keras and tensorflow as they are pinned
  "$1" - "$pyproject" "${@:2}" <<'PYTHON' 2>/dev/null
import importlib.metadata, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
def installed(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
for name in ("keras", "tensorflow"):
    pinned = re.search(rf'"{name}(?:-cpu|\[and-cuda\])?==([0-9.]+)', text)[1]
    if pinned not in (installed(name), installed(name + "-cpu")):
        sys.exit(1)
if None in map(installed, sys.argv[2:]):
    sys.exit(1)
print(sys.executable)
PYTHON
}

print_if_pinned "$python" "$@" && exit
if [[ $(cat "$venv/pins" 2>/dev/null) != "$pins" ]]; then
  group=cpu
  command -v nvidia-smi >/dev/null && group=gpu
  {
    "$python" -m venv "$venv" && "$venv/bin/python" -m pip install 'pip>=25.1' &&
      (cd "$(dirname "$pyproject")" && "$venv/bin/python" -m pip install --group jobs --group "$group")
  } >"$log" 2>&1 || {
    printf 'setup-env.sh: could not install the pinned packages: %s\n' "$(tail -n 1 "$log")" >&2
    exit 1
  }
  echo "$pins" >"$venv/pins"
fi
echo "$venv/bin/python"
