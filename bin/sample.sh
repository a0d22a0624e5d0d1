#!/usr/bin/env bash
# Summary: Write text with the weights that a run brought home.
# Usage: bin/sample.sh [--run ID] [--length N] [--temperature T] [--prompt TEXT] [--seed N] [--runs-dir DIR]
#
#   --run ID          the run; default: the newest finished one of a language model
#   --length N        characters to write, 500 by default
#   --temperature T   0.7 by default: lower is safer, higher is bolder, 0 is always the likeliest
#   --prompt TEXT     go on from this text
#   --seed N          same seed, same text; default: another one each time
#   --runs-dir DIR    where the runs are; default: runs
#
# Exits 0; 2 for a wrong value; 3 for no such run, or damaged weights.

source "$(dirname "${BASH_SOURCE[0]}")/_environment.sh"
[[ ${1-} == -h || ${1-} == --help ]] && { show_help; exit; }
[[ -x $PYTHON ]] || die "Nothing is installed yet. Start with: bin/fab train --job lstm_aiw" 3
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m jobs.sample "$@"
