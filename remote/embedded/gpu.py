"""A pretended GPU: an nvidia-smi that answers --query-gpu, on machines for which a test has ordered one."""

import json

PROGRAM = '''#!/usr/bin/env python3
"""nvidia-smi of a GPU that is not there; only --query-gpu=FIELDS --format=csv[,noheader][,nounits] is known."""
import sys

FIGURES = {figures}
options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
if "query-gpu" not in options:
    print(FIGURES["name"][0])
    sys.exit()
fields = options["query-gpu"].split(",")
style = options.get("format", "csv").split(",")
if "noheader" not in style:
    print(", ".join(fields))
values = [FIGURES.get(field.strip(), ("[N/A]", "")) for field in fields]
print(", ".join(value + ("" if "nounits" in style or not unit else " " + unit) for value, unit in values))
'''


def install(machine, name="Tesla T4", memory_total=15360, memory_used=1024, utilization=87, temperature=61):
    """Put nvidia-smi on the machine. Memory in MiB, utilization in percent, temperature in degrees Celsius."""
    figures = {
        "name": (name, ""),
        "index": ("0", ""),
        "driver_version": ("595.91", ""),
        "memory.total": (str(memory_total), "MiB"),
        "memory.used": (str(memory_used), "MiB"),
        "memory.free": (str(memory_total - memory_used), "MiB"),
        "utilization.gpu": (str(utilization), "%"),
        "utilization.memory": (str(100 * memory_used // memory_total), "%"),
        "temperature.gpu": (str(temperature), ""),
        "power.draw": ("58.20", "W"),
    }
    program = machine.folder / "usr/local/bin/nvidia-smi"
    program.write_text(PROGRAM.replace("{figures}", json.dumps(figures)))
    program.chmod(0o755)
