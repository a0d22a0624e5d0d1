"""The settings of fabric.yaml, checked once and typed; nothing else reads the configuration."""

import dataclasses
import ipaddress
import re
from pathlib import Path

from remote.errors import Usage

CHECKOUT = Path(__file__).resolve().parent.parent
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}
# What each value of the setting `market` asks, in order.
MARKETS = {"on-demand": ("on-demand",), "spot": ("spot",), "spot-then-on-demand": ("spot", "on-demand")}
# What to do with a run that stalls.
ON_STALL = ("tell", "end")


# What AWS allows in a tag's value, but for what would be a pattern in a filter, or look like a volume's id.
VOLUME_NAME = r"(?!vol-|aws:)\w([\w .:+=@/-]{0,126}\w)?"


@dataclasses.dataclass(frozen=True)
class Settings:
    """One field for each setting; fabric.yaml explains them and holds their defaults."""

    cloud: str
    region: str
    other_regions: tuple[str, ...]
    profile: str
    endpoint_url: str
    ssh_config: str
    instance_types: tuple[str, ...]
    zones: tuple[str, ...]
    market: str
    spot_losses: int
    image: str
    login_user: str
    python: str
    volume: str
    volume_gib: int
    move_volume: bool
    wait_capacity: str
    max_hours: float
    max_cost: float
    start_minutes: float
    grace_minutes: float
    deadline_role: str
    instance_profile: str
    on_stall: str
    notify: str
    ssh_key: str
    ssh_cidr: str
    address_url: str
    connect_minutes: float
    runs_dir: str

    @property
    def wait_capacity_s(self):
        """How long to go on asking when AWS has no machine, in seconds."""
        return duration_s(self.wait_capacity)

    @property
    def runs(self):
        """The folder that holds a folder per run, as a Path; of this checkout, wherever the command was typed."""
        path = Path(self.runs_dir).expanduser()
        return path if path.is_absolute() or Path.cwd() == CHECKOUT else CHECKOUT / path


def read(config, overrides=None):
    """Settings from a mapping (Fabric's config) and the options of one command, which win.

    overrides: {name: value}; None means not given. Raises Usage for a value that cannot be meant.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    values = {}
    for field in dataclasses.fields(Settings):
        value = given.get(field.name, config.get(field.name))
        if value is None:
            raise Usage(f"Setting {field.name} has no value. Give it one in fabric.yaml.")
        values[field.name] = _typed(field, value)
    settings = Settings(**values)
    _check(settings)
    return settings


def duration_s(text):
    """Seconds of "90m", "2h", "1.5h", "45s" or "0". Raises Usage."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(text).strip())
    if not match or (not match[2] and float(match[1])):
        raise Usage(f"Expected a duration such as 90m or 2h, got {text!r}.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(match[2], 0)


def _typed(field, value):
    """value as the field's type; a comma-separated text becomes a tuple, so that the environment can hold one."""
    if field.type == tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(str(item).strip() for item in items if str(item).strip())
    if field.type is bool and str(value).lower() not in BOOLEANS:
        raise Usage(f"Setting {field.name} expects yes or no, got {value!r}. See fabric.yaml.")
    if field.type is bool:
        return BOOLEANS[str(value).lower()]
    try:
        return field.type(value)
    except (TypeError, ValueError):
        raise Usage(f"Setting {field.name} expects {_word(field.type)}, got {value!r}. See fabric.yaml.") from None


def _word(kind):
    return {int: "a whole number", float: "a number", str: "text"}[kind]


def _check(settings):
    """Refuse what AWS or the instance would refuse later, at a price."""
    _check_words(settings)
    _check_limits(settings)
    duration_s(settings.wait_capacity)
    if settings.volume:
        check_volume_name(settings.volume)
    for name in ("deadline_role", "instance_profile"):
        if not re.fullmatch(r"[\w+=,.@-]{0,64}", getattr(settings, name)):
            raise Usage(f"Setting {name} expects a role's name, not its ARN, got {getattr(settings, name)!r}.")
    if settings.ssh_cidr:
        try:
            ipaddress.ip_network(settings.ssh_cidr)
        except ValueError as wrong:
            raise Usage(f"Setting ssh_cidr expects a network such as 203.0.113.7/32: {wrong}.") from None


def _check_limits(settings):
    limits = {
        "spot_losses": (0, 100),
        "volume_gib": (1, 16384),
        "max_hours": (0.05, 24 * 14),
        "start_minutes": (1, 24 * 60),
    }
    limits |= {"grace_minutes": (1, 24 * 60), "connect_minutes": (0.05, 60), "max_cost": (0, 100_000)}
    for name, (low, high) in limits.items():
        if not low <= getattr(settings, name) <= high:
            raise Usage(f"Setting {name} expects a value from {low:g} to {high:g}, got {getattr(settings, name):g}.")


def check_volume_name(name):
    """Refuse what can't be the name of a volume. Raises Usage."""
    if not re.fullmatch(VOLUME_NAME, name):
        raise Usage(
            f"Expected the name of a volume, of letters, digits and . : + = @ / -, 128 at most, got {name!r}. "
            "Those that there are: bin/fab volumes"
        )


def _check_words(settings):
    for name, words in {"market": MARKETS, "on_stall": ON_STALL}.items():
        if getattr(settings, name) not in words:
            raise Usage(f"Setting {name} expects one of {', '.join(words)}, got {getattr(settings, name)!r}.")
    if not settings.instance_types:
        raise Usage("Setting instance_types is empty. Expected one type at least, such as g4dn.xlarge.")


def choose(clouds, name):
    """The entry of clouds that the setting `cloud` names. Raises Usage."""
    if name not in clouds:
        raise Usage(f"Setting cloud expects {' or '.join(clouds)}, got {name!r}. See fabric.yaml.")
    return clouds[name]
