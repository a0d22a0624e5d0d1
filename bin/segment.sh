#!/usr/bin/env bash
# Summary: Mask and overlay for pictures of any size, with the weights that a run brought home.
# Usage: bin/segment.sh PICTURE [...] [--run ID] [--out DIR] [--json]
#
#   PICTURE           a file, or a folder of them: PNG, JPEG, TIFF and others
#   --run ID          the run; default: the newest finished one of a segmentation
#   --out DIR         where PICTURE-mask.png and PICTURE-overlay.png go; default: beside the picture
#   --json            a line of JSON for each picture
#   --runs-dir DIR    where the runs are; default: runs of this checkout
#
# A mask has the same numbers or colours as those that were learnt from.
# Exits 0; 2 for a wrong value or picture; 3 for no such run, or damaged weights.

source "$(dirname "${BASH_SOURCE[0]}")/_environment.sh"
[[ ${1-} == -h || ${1-} == --help ]] && { show_help; exit; }
choose_python
[[ -x $PYTHON ]] || die "Nothing is installed yet. Start with: bin/fab train --job unet_segmentation" 3
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m jobs.segment --runs-dir "${FABRIC_RUNS_DIR:-$ROOT/runs}" "$@"
