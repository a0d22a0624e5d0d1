"""Fabric's configuration in the order that fabric.yaml promises: that file, ~/.fabric.yaml, the environment.

Fabric itself ranks a project's file above the user's. Here the project's is the lowest: it holds the defaults.
"""

import dataclasses
import difflib
import os
from pathlib import Path

from fabric import Config
from invoke.config import merge_dicts
from invoke.util import yaml

from remote.errors import Usage
from remote.settings import CHECKOUT, Settings

DEFAULTS = CHECKOUT / "fabric.yaml"
NAMES = tuple(field.name for field in dataclasses.fields(Settings))
PREFIX = "FABRIC_"
ALIKE = 0.8  # difflib's ratio; fabric.yaml files are shared with other projects, whose settings are none of ours


class Configuration(Config):
    """Fabric's Config with ours as defaults. Settings are text here, as those of the environment are."""

    @staticmethod
    def global_defaults():
        """Fabric's defaults and those of fabric.yaml. Raises Usage for a file that can't be meant."""
        given = _mapping(DEFAULTS)
        if unknown := [name for name in given if name not in NAMES]:
            raise Usage(_unknown(DEFAULTS, unknown[0]))
        defaults = Config.global_defaults()
        merge_dicts(defaults, _as_text(given))
        return defaults

    def load_shell_env(self):
        """Read the environment. Raises Usage for a variable that is nearly the name of a setting."""
        for variable in sorted(os.environ):
            if variable.startswith(PREFIX):
                _refuse_misspelt("The environment", variable, variable.removeprefix(PREFIX).lower())
        super().load_shell_env()

    def _load_yaml(self, path):
        given = _mapping(path)
        for name in given:
            _refuse_misspelt(path, name, name)
        return _as_text(given)

    _load_yml = _load_yaml


def _mapping(path):
    """What a YAML file says, {} for an empty one. FileNotFoundError passes, for Fabric looks in several places."""
    try:
        given = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError) as wrong:
        raise Usage(f"Cannot read {path}: {getattr(wrong, 'strerror', None) or wrong}.") from None
    except yaml.YAMLError as wrong:
        raise Usage(f"{path} is no YAML{_place(wrong)}. Expected lines such as region: eu-west-1") from None
    if not isinstance(given or {}, dict) or not all(isinstance(name, str) for name in given or {}):
        raise Usage(f"{path} holds no settings. Expected lines such as region: eu-west-1")
    return given or {}


def _place(wrong):
    mark = getattr(wrong, "problem_mark", None)
    return f": line {mark.line + 1}, {wrong.problem}" if mark else ""


def _as_text(given):
    return {name: _text(name, value) if name in NAMES else value for name, value in given.items()}


def _text(name, value):
    """A value as the environment would hold it. Raises Usage."""
    if isinstance(value, dict):
        raise Usage(f"Setting {name} expects one value, or several as a, b, got {value!r}. See fabric.yaml.")
    if isinstance(value, list):
        return ", ".join(_text(name, one) for one in value)
    return "" if value is None else str(value)


def _refuse_misspelt(where, written, name):
    if name not in NAMES and difflib.get_close_matches(name, NAMES, 1, ALIKE):
        raise Usage(_unknown(where, written))


def _unknown(where, written):
    name = written.removeprefix(PREFIX).lower()
    near = difflib.get_close_matches(name, NAMES, 1, 0.6)
    meant = f" Did you mean {near[0]}?" if near else " They are explained in fabric.yaml."
    return f"{where} has {written}, and there is no such setting.{meant}"
