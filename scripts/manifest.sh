#!/usr/bin/env bash
# List the results of a run: "SHA-256 SIZE PATH", a NUL after each, for regular files only; never a link.
# Usage: manifest.sh RUN_DIRECTORY

set -euo pipefail
cd "$1"
list=(log gpu.csv exit_code spot_notice wrapper.log)
{
  for file in "${list[@]}"; do [[ -f $file && ! -L $file ]] && printf '%s\0' "$file"; done
  find out -type f ! -name '*.part' -print0
} | while IFS= read -r -d '' file; do
  printf '%s %s %s\0' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(wc -c <"$file" | tr -d ' ')" "$file"
done
