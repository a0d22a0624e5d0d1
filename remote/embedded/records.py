"""What the API knows of volumes and snapshots, as JSON beside their files; read back when the server starts."""

import datetime
import json
import logging

from remote.embedded.box import ACCOUNT

VOLUME = ("id", "size", "volume_type", "iops", "throughput", "encrypted", "kms_key_id", "snapshot_id")
SNAPSHOT = ("id", "description", "encrypted", "kms_key_id")


def of_volume(volume):
    """A volume's record as a dict that JSON can hold."""
    record = {name: getattr(volume, name) for name in VOLUME}
    return record | {"zone": volume.zone.name, "created": volume.create_time.isoformat()} | _common(volume)


def of_snapshot(snapshot):
    record = {name: getattr(snapshot, name) for name in SNAPSHOT}
    volume = {"volume_id": snapshot.volume.id, "size": snapshot.volume.size}
    return record | volume | {"created": snapshot.start_time.isoformat()} | _common(snapshot)


def write(path, record):
    """Write a record if it has changed; whole or not at all."""
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() == text:
        return
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)


def restore(box):
    """Give moto back the volumes and snapshots that the state folder holds."""
    for kind, back in (("volume", _restore_volume), ("snapshot", _restore_snapshot)):
        for path in sorted(box.state_dir.glob(f"{kind}s/*/{kind}.json")):
            try:
                back(json.loads(path.read_text()))
            except (ValueError, KeyError) as wrong:
                logging.warning("%s is not a record of a %s: %r; it is left alone", path, kind, wrong)


def _common(resource):
    tags = {tag["key"]: tag["value"] for tag in resource.get_tags()}
    return {"region": resource.ec2_backend.region_name, "tags": tags}


def _restore_volume(record):
    backend = _backend(record)
    volume = _volume(backend, record["id"], record["size"], zone=backend.get_zone_by_name(record["zone"]))
    for name in VOLUME[2:]:
        setattr(volume, name, record[name])
    volume.ready = 0  # volumestates.py: it is not being created
    volume.create_time = datetime.datetime.fromisoformat(record["created"])
    volume.add_tags(record["tags"])
    backend.volumes[volume.id] = volume


def _restore_snapshot(record):
    from moto.ec2.models.elastic_block_store import Snapshot

    backend = _backend(record)
    volume = _volume(backend, record["volume_id"], record["size"])  # perhaps deleted since; its size is asked for
    snapshot = Snapshot(backend, record["id"], volume, record["description"], record["encrypted"], record["kms_key_id"])
    snapshot.start_time = datetime.datetime.fromisoformat(record["created"])
    snapshot.status = "completed"
    snapshot.add_tags(record["tags"])
    backend.snapshots[snapshot.id] = snapshot


def _volume(backend, volume_id, size, zone=None):
    from moto.ec2.models.elastic_block_store import Volume

    return Volume(backend, volume_id=volume_id, size=size, zone=zone)


def _backend(record):
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][record["region"]]
