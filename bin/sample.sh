#!/usr/bin/env bash
# Summary: Write text with the weights that a run brought home.
# Usage: bin/sample.sh [--run ID] [--length N] [--temperature T] [--prompt TEXT] [--seed N] [...]
#
#   --run ID          the run; default: the newest finished one of a language model
#   --job NAME        the job, of a run that trained several; or the newest run of this job
#   --length N        symbols to write (characters, or words), 500 by default
#   --prompt TEXT     go on from this text
#   --temperature T   0.7 by default: lower is safer, higher is bolder, 0 is always the likeliest
#   --top-k K         choose among the K likeliest only
#   --top-p P         choose among the likeliest that together have the probability P
#   --seed N          same seed, same text; default: another one each time
#   --samples N       N texts, written side by side
#   --as NAME         begin with what this person says; --in CHANNEL: there. For lstm_slack
#   --stop TEXT       end a text before this; for a line end: --stop $'\n'
#   --json            a line of JSON for each text
#   --score FILE      write nothing; print how many nats per character, or word, the model needs for the file
#   --encoding NAME   of that file, such as cp1252; default: UTF-8, UTF-16 or UTF-32, as it looks
#   --runs-dir DIR    where the runs are; default: runs of this checkout
#
# Exits 0; 2 for a wrong value; 3 for no such run, or damaged weights.

source "$(dirname "${BASH_SOURCE[0]}")/_environment.sh"
[[ ${1-} == -h || ${1-} == --help ]] && { show_help; exit; }
choose_python
[[ -x $PYTHON ]] || die "Nothing is installed yet. Start with: bin/fab train --job lstm_aiw" 3
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m jobs.sample --runs-dir "${FABRIC_RUNS_DIR:-$ROOT/runs}" "$@"
