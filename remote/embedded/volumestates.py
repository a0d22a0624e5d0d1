"""Volumes that take their time: creating, attaching, detaching. The device appears, and goes, as the time ends."""

import time

from remote.embedded import disks

STEP_S = 0.2


def apply(box):
    """Patch moto's volumes."""
    from moto.ec2.models.elastic_block_store import EBSBackend, Volume, VolumeAttachment

    _patch_creation(Volume)
    EBSBackend.attach_volume = _attach(box, EBSBackend.attach_volume)
    EBSBackend.detach_volume = _detach(box, EBSBackend.detach_volume)
    VolumeAttachment.delete_on_termination = property(_delete_on_termination)


def _patch_creation(volume_class):
    moto_init = volume_class.__init__

    def __init__(self, *args, **kwargs):
        moto_init(self, *args, **kwargs)
        self.ready = time.monotonic() + STEP_S

    def status(self):
        if self.attachment:
            return "in-use"
        return "creating" if time.monotonic() < self.ready else "available"

    volume_class.__init__, volume_class.status = __init__, property(status)


def _attach(box, moto_attach):
    def attach_volume(self, volume_id, instance_id, device_path, delete_on_termination=False):
        attachment = moto_attach(self, volume_id, instance_id, device_path, delete_on_termination)
        if device_path not in disks.ROOT_DEVICES:
            attachment.status = "attaching"
            box.later(STEP_S, _end_attaching, box, attachment)
        return attachment

    return attach_volume


def _detach(box, moto_detach):
    def detach_volume(self, volume_id, instance_id, device_path):
        attachment = self.get_volume(volume_id).attachment
        if attachment is None or attachment.instance.state in ("shutting-down", "terminated"):
            return moto_detach(self, volume_id, instance_id, device_path)
        attachment.status = "detaching"
        box.later(STEP_S, _end_detaching, box, attachment, moto_detach)
        return attachment

    return detach_volume


def _end_attaching(box, attachment):
    if attachment.status == "attaching":
        attachment.status = "attached"
    _show(box, attachment.instance)


def _end_detaching(box, attachment, moto_detach):
    if attachment.volume.attachment is attachment:  # else its instance was terminated meanwhile
        moto_detach(attachment.volume.ec2_backend, attachment.volume.id, attachment.instance.id, attachment.device)
    _show(box, attachment.instance)


def _show(box, instance):
    if instance.id in box.machines:
        disks.show_devices(box, box.machines[instance.id])


def _delete_on_termination(attachment):
    """What the instance's block device mapping says; AWS shows it on the volume too."""
    link = attachment.instance.block_device_mapping.get(attachment.device)
    return bool(link and link.delete_on_termination)
