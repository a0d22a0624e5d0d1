"""Where pictures and masks come from: a folder, an archive, an address, or one of the two sets that jobs knows."""

from pathlib import Path

from jobs import archives, downloads
from jobs.parameters import BadInput
from jobs.pictures import pets, satellite

EXAMPLES = {"satellite": satellite.fetch, "pets": pets.fetch}


def folder(data, example):
    """The folder of the pairs that the parameters `data` and `example` mean. Raises BadInput.

    What is at an address, or in an archive, is brought into the cache, once.
    """
    if not data:
        return EXAMPLES[example]()
    if data.startswith("s3://"):
        found = downloads.fetch(data if archives.is_archive(Path(data)) else data.rstrip("/") + "/")
    else:
        found = downloads.fetch(data) if downloads.is_address(data) else Path(data).expanduser()
    if not found.exists():
        raise BadInput(f"Expected a folder of pictures and masks, found nothing at {found}.")
    if found.is_file() and not archives.is_archive(found):
        raise BadInput(f"Expected a folder of pictures and masks, or a .zip or .tar of one, got {data}.")
    return archives.unpack(found) if found.is_file() else found
