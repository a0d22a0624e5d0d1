"""Let a job choose, on this machine, what of the user's files goes along: `python -m jobs.pack NAME FOLDER`.

For jobs that define pack(params, folder). Parameters come as JSON on stdin; those that name what pack wrote into
folder go to stdout. Exits 2 with one line for what the user can mend.
"""

import dataclasses
import importlib
import json
import sys
from pathlib import Path

from jobs.parameters import BadInput


def main(name, folder):
    """Pack the files that the parameters on stdin name."""
    job = importlib.import_module(f"jobs.{name}")
    given = job.Parameters(**json.load(sys.stdin))
    try:
        packed = job.pack(given, Path(folder))
    except BadInput as wrong:
        print(str(wrong).splitlines()[0], file=sys.stderr)
        raise SystemExit(wrong.exit_code) from None
    json.dump(dataclasses.asdict(packed), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
