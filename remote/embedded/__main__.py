"""The server process: python -m remote.embedded --state DIR --region us-east-1 --idle 120

Runs in the foreground until it is told to stop or nothing has happened for the idle time; log lines go to stderr.
"""

import argparse
import logging
import os
from pathlib import Path

from remote.embedded import server


def main():
    parser = argparse.ArgumentParser(prog="python -m remote.embedded", description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="folder of volumes, instances and the log")
    parser.add_argument("--region", default="us-east-1", help="region that answers first (all of them do)")
    parser.add_argument("--idle", type=float, default=120, help="seconds without instances and requests before the end")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # moto would look for the profile of the user's that it names
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    for chatty in ("asyncssh", "werkzeug", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    server.run(options.state.absolute(), options.region, options.idle)


main()
