"""The files of a Slack export, the .zip or its folder: {name as Slack has it: a function that returns the bytes}.

    users.json  channels.json  groups.json  dms.json  mpims.json      who, and which conversations there are
    general/2024-01-01.json  D0123456/2024-01-01.json                 a day of one conversation: a list of messages

An organisation's export has org_users.json instead of users.json. What else comes along is no conversation and is never
opened: integration_logs.json, canvases.json, lists.json, canvas_in_the_conversation.json beside the days, a folder
"FC:..." for the comments on each canvas. Format: https://slack.com/help/articles/220556107
"""

import json
import re
import zipfile
import zlib
from pathlib import PurePosixPath

from jobs.parameters import BadInput

FILE_LIMIT = 256 << 20  # bytes of one file of the export, unpacked
PEOPLE = ("users.json", "org_users.json")
CONVERSATIONS = ("channels.json", "groups.json", "dms.json", "mpims.json")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Of zipfile and json: no JSON, a broken or encrypted entry, an unknown method, arrays in arrays without end.
DAMAGE = (ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)


def files(path):
    """The export's files. Raises BadInput for what is no export.

    Those of a folder inside, too: who unpacks the zip and packs it again gets one.
    """
    found = _found(path)
    top = min((name for name in found if PurePosixPath(name).name in PEOPLE), key=len, default="")
    start = top[: -len(PurePosixPath(top).name)] if top else ""
    inside = {name.removeprefix(start): read for name, read in found.items() if name.startswith(start)}
    if not top or not any(name in inside for name in CONVERSATIONS):
        raise BadInput(
            f"Expected users.json and channels.json in the Slack export {path}, found neither or one. Slack can export "
            "as JSON or as text: this reads JSON."
        )
    return inside


def index(archive, name):
    """The objects that a file at the top lists; [] without it. Raises BadInput for a damaged one."""
    rows = _read(archive, name) if name in archive else None
    if rows is not None and (not isinstance(rows, list) or (rows and not objects(rows))):
        raise BadInput(f"{name} in the Slack export is damaged: expected a list of objects.")
    return objects(rows)


def days(archive, folder, since, until):
    """The rows of each day from since to until, both YYYY-MM-DD or empty, in order. Raises BadInput."""
    for name in sorted(name for name in archive if name.startswith(f"{folder}/")):
        day, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
        if ending == ".json" and DAY.fullmatch(day) and (since or day) <= day <= (until or day):
            yield objects(_read(archive, name))


def objects(value):
    """The JSON objects in a list, as dicts; [] for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(row, name):
    """The text that an object has under a name; "" for anything else."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _found(path):
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes for file in path.rglob("*.json")}
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile):
        raise BadInput(f"Expected a Slack export, the .zip or its folder, got {path}.") from None
    return {entry.filename: lambda entry=entry: _unpacked(archive, entry) for entry in archive.infolist()}


def _unpacked(archive, entry):
    """The bytes of a zip's file, in memory: nothing is written, whatever its name. Raises BadInput for a bomb."""
    if entry.file_size > FILE_LIMIT:
        raise BadInput(f"{entry.filename} in the Slack export unpacks to {entry.file_size:,} bytes. Expected a day's.")
    return archive.read(entry)


def _read(archive, name):
    try:
        return json.loads(archive[name]())
    except DAMAGE as wrong:
        if isinstance(wrong, BadInput):
            raise
        raise BadInput(f"{name} in the Slack export is damaged: {wrong}") from None
