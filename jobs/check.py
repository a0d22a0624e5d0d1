"""Let a job look, on this machine, at the files that it would learn from: `python -m jobs.check NAME`.

For jobs that define check(params). Parameters come as JSON on stdin. Exits 2 with one line for what the user can mend.
"""

import importlib
import json
import sys

from jobs.parameters import BadInput


def main(name):
    """Check the files that the parameters on stdin name."""
    job = importlib.import_module(f"jobs.{name}")
    try:
        job.check(job.Parameters(**json.load(sys.stdin)))
    except BadInput as wrong:
        print(str(wrong).splitlines()[0], file=sys.stderr)
        raise SystemExit(wrong.exit_code) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
