#!/usr/bin/env bash
# List the results of a run: "SHA-256 SIZE PATH", a NUL after each, for regular files only; never a link.
# Usage: manifest.sh RUN_DIRECTORY

set -euo pipefail
cd "$1"
list=(log gpu.csv exit_code spot_notice wrapper.log)
large=$((8 << 20)) # bytes from which openssl, slower to start, is faster: it uses the processor's SHA instructions

digest() { # digest FILE SIZE
  if (($2 >= large)) && command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi <"$1" | cut -d' ' -f1
}
{
  for file in "${list[@]}"; do [[ -f $file && ! -L $file ]] && printf '%s\0' "$file"; done
  # There is none before the job has begun. What is being written has no name yet: see jobs/atomic.py.
  if [[ -d out ]]; then find out -type f ! -name '*.part' ! -name '.writing-*' ! -name progress.json -print0; fi
} | while IFS= read -r -d '' file; do
  if ! { size=$({ wc -c <"$file"; } 2>/dev/null | tr -d ' ') && sum=$({ digest "$file" "$size"; } 2>/dev/null); }; then
    [[ -e $file ]] || continue # a job at work has replaced or removed it
    printf 'manifest.sh: %q cannot be read\n' "$file" >&2
    exit 1
  fi
  printf '%s %s %s\0' "$sum" "$size" "$file"
done
