"""Folders of runs as they lie on this machine after a run's end, without the run."""

import json
import struct
import zlib

from remote import runs

TIMELINE = [["launch", 18.2], ["boot", 61.4], ["volume", 9.1], ["copy", 1.2], ["start", 41.0]]
TIMELINE += [["job", 168.3], ["pull", 1.9], ["end", 2.2]]


def make(folder, tail="0001", job="lstm_aiw", **record):
    """A finished Run whose folder is below `folder`; record: what its record has otherwise."""
    run = runs.Run(f"{job}-20260131-235959-{tail}", job, {"epochs": 3, "units": 8}, "embedded", "us-east-1", "")
    run.created = run.launched = "2026-01-31T23:59:59+00:00"
    run.started, run.ended = "2026-02-01T00:02:10+00:00", "2026-02-01T00:04:58+00:00"
    run.closed, run.exit_code, run.pulled = "2026-02-01T00:05:40+00:00", 0, "f" * 64
    run.instance_id, run.instance_type, run.zone, run.market = "i-1", "g4dn.xlarge", "us-east-1a", "on-demand"
    run.dollars_per_hour, run.price_source, run.volume_gib = 0.526, "dated table", 1
    run.timeline = [list(step) for step in TIMELINE]
    for name, value in record.items():
        setattr(run, name, value)
    run.folder = folder / run.id
    runs.record(run)
    (run.folder / "out").mkdir()
    return run


def write_metrics(run, rows):
    """rows: dicts, or text as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (run.folder / "out/metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))


def write_samples(run, texts):
    """texts: {file name: text}."""
    (run.folder / "out/samples").mkdir()
    for name, text in texts.items():
        (run.folder / "out/samples" / name).write_text(text)


def png(width, height):
    """The bytes of a grey picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gpu_lines(count, gpus=1):
    """Lines of gpu.csv: one per GPU each five seconds."""
    rows = [(second, gpu) for second in range(0, 5 * count, 5) for gpu in range(gpus)]
    return "".join(
        f"2026/02/01 00:{second // 60:02}:{second % 60:02}.123, Tesla T4, {80 + gpu}, 5120, 15360, 61, 58.20, {gpu}\n"
        for second, gpu in rows
    )
