"""User-data as cloud-init reads it: cloud-config, a shell script, or both in a MIME multipart message."""

import email
import gzip

import yaml

LIMIT_BYTES = 16384  # EC2 refuses more than this, before base64


def read(data):
    """(cloud-config as a dict, script as bytes or b"", warning or "").

    cloud-config that is no YAML mapping is dropped whole, as cloud-init does: only the warning tells.
    """
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    config, script, warning = {}, b"", ""
    for kind, part in _parts(data):
        if kind == "text/x-shellscript":
            script = part
        elif kind == "text/cloud-config":
            parsed, wrong = _config(part)
            config, warning = config | parsed, warning or wrong
        elif part.strip():
            warning = warning or f"Unhandled non-multipart ({kind}) userdata: {part[:24]!r}..."
    return config, script, warning


def _parts(data):
    """[(content type, bytes), ...]; a first line says what plain user-data is."""
    if data.startswith(b"#cloud-config"):
        return [("text/cloud-config", data)]
    if data.startswith(b"#!"):
        return [("text/x-shellscript", data)]
    message = email.message_from_bytes(data)
    if not message.is_multipart():
        return [("text/x-not-multipart", data)]
    return [
        (part.get_content_type(), part.get_payload(decode=True) or b"")
        for part in message.walk()
        if not part.is_multipart()
    ]


def _config(part):
    try:
        parsed = yaml.safe_load(part)
    except yaml.YAMLError as wrong:
        return {}, f"Failed loading yaml blob. {str(wrong).splitlines()[0]}"
    if parsed is None or isinstance(parsed, dict):
        return parsed or {}, ""
    return {}, f"Failed loading yaml blob. Yaml load allows (dict,) root types, but got {type(parsed).__name__} instead"
