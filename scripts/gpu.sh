#!/usr/bin/env bash
# One CSV line per GPU: time, name, use %, memory used MiB, memory MiB, temperature C, power W, index. Exits 3 without a GPU.

set -euo pipefail
command -v nvidia-smi >/dev/null || { echo "no GPU on this machine: nvidia-smi is not installed" >&2; exit 3; }
fields=timestamp,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,index
nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits
