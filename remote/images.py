"""Which machine image to boot: the newest Deep Learning Base AMI, or the one the user names.

Source of the parameter names: docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
"""

import dataclasses
import re

from botocore.exceptions import ClientError

from remote.errors import NotFound, Usage
from remote.explain import code_of
from remote.tags import filters

# The first that exists is taken. Base, because AWS ended the TensorFlow images: the job brings its own TensorFlow.
PARAMETERS = tuple(
    f"/aws/service/deeplearning/ami/{{architecture}}/base-oss-nvidia-driver-gpu-ubuntu-{release}/latest/ami-id"
    for release in ("24.04", "22.04")
)
NAMES = tuple(f"Deep Learning*Base OSS Nvidia Driver GPU AMI (Ubuntu {release})*" for release in ("24.04", "22.04"))
NO_SUCH_IMAGE = ("InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable")
NO_SUCH_PARAMETER = ("ParameterNotFound", "ParameterVersionNotFound", "ValidationException")


# By what AWS and the distributions call their images; the Deep Learning AMIs have the system's name in theirs.
LOGIN_USERS = {"ubuntu": "ubuntu", "amazon linux": "ec2-user", "al2023": "ec2-user", "amzn": "ec2-user"}
LOGIN_USERS |= {"debian": "admin", "rhel": "ec2-user", "suse": "ec2-user", "fedora": "fedora", "rocky": "rocky"}


@dataclasses.dataclass(frozen=True)
class Image:
    """A machine image of one region."""

    id: str
    name: str
    architecture: str  # x86_64 or arm64
    root_device: str  # such as /dev/sda1; the launch request sizes and encrypts it by this name
    root_gib: int  # smallest root disk it boots from; 0 when AWS does not say
    source: str  # how it was found, for the plan


def find(ssm, ec2, settings_image, region, architecture="x86_64"):
    """The Image that the setting `image` means: an AMI id, an SSM parameter, or "" for AWS's newest.

    Raises NotFound, naming what was tried.
    """
    if settings_image.startswith("ami-"):
        return _by_id(ec2, settings_image, region, "named in the settings")
    if settings_image:
        name = settings_image.removeprefix("resolve:ssm:")
        return _by_id(ec2, _parameter(ssm, name, region), region, f"SSM parameter {name}")
    return _newest_deep_learning(ssm, ec2, region, architecture)


def check_architecture(image, machine_type):
    """Refuse an image that the instance type cannot boot, before AWS does. Raises Usage."""
    expected = architecture_of(machine_type)
    if image.architecture != expected:
        raise Usage(
            f"{machine_type} boots {expected} images, but {image.id} ({image.name}) is {image.architecture}. "
            f"Set image to a {expected} one, or leave it empty."
        )


def login_user(image):
    """The user that AWS's images of that name let in; "ubuntu" when the name tells nothing."""
    name = image.name.lower()
    return next((user for words, user in LOGIN_USERS.items() if words in name), "ubuntu")


def architecture_of(machine_type):
    """arm64 for AWS's own processors (a "g" after the generation: g5g, c7gn; and a1, Grace: gb200), else x86_64."""
    family = machine_type.partition(".")[0]
    options = re.fullmatch(r"[a-z]+\d+([a-z]*)(-.*)?", family)
    graviton = options is not None and ("g" in options[1] or (options[2] or "").startswith("-gb"))
    return "arm64" if graviton or family == "a1" else "x86_64"


def _newest_deep_learning(ssm, ec2, region, architecture):
    """By parameter, which is exact; else by name, which also works where SSM has none or is not allowed."""
    names = [name.format(architecture=architecture) for name in PARAMETERS]
    for name in names:
        image_id = _public_parameter(ssm, name)
        if image_id:
            return _by_id(ec2, image_id, region, f"SSM parameter {name}")
    for name in NAMES:
        images = _available(ec2, name, architecture)
        if images:
            return _image(max(images, key=lambda image: image["CreationDate"]), f"newest of Amazon's {name!r}")
    tried = "; ".join([*names, *NAMES])
    raise NotFound(f"No Deep Learning AMI in {region}. Tried: {tried}. Set image to an AMI id of your own.")


def _public_parameter(ssm, name):
    """An image id, or None where AWS has no such parameter or this user may not read it."""
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if code_of(error) in (*NO_SUCH_PARAMETER, "AccessDeniedException"):
            return None
        raise


def _parameter(ssm, name, region):
    """The image id in the user's own parameter."""
    try:
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if code_of(error) in NO_SUCH_PARAMETER:
            raise NotFound(f"No image: {region} has no SSM parameter {name!r}. Expected its name, or ami-...") from None
        raise
    if not value.startswith("ami-"):
        raise Usage(f"SSM parameter {name} was expected to hold an AMI id, got {value[:40]!r}.")
    return value


def _by_id(ec2, image_id, region, source):
    """The image of that id, if it can be booted. Raises NotFound."""
    try:
        images = ec2.describe_images(ImageIds=[image_id])["Images"]
    except ClientError as error:
        if code_of(error) not in NO_SUCH_IMAGE:
            raise
        images = []
    if not images or images[0].get("State") != "available":
        raise NotFound(f"{region} has no image {image_id} for this account ({source}). AMI ids differ by region.")
    return _image(images[0], source)


def _available(ec2, name, architecture):
    """Amazon's images whose name matches, as AWS describes them."""
    wanted = filters({"name": name, "state": "available", "architecture": architecture})
    return ec2.describe_images(Owners=["amazon"], Filters=wanted)["Images"]


def _image(described, source):
    """AWS's description as an Image."""
    root = described.get("RootDeviceName", "/dev/sda1")
    sizes = {mapping["DeviceName"]: mapping.get("Ebs", {}) for mapping in described.get("BlockDeviceMappings", ())}
    return Image(
        id=described["ImageId"],
        name=described.get("Name", ""),
        architecture=described.get("Architecture", "x86_64"),
        root_device=root,
        root_gib=int(sizes.get(root, {}).get("VolumeSize", 0)),
        source=source,
    )
