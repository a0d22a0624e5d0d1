#!/usr/bin/env bash
# List TensorBoard's event files in a folder: "SIZE PATH", a NUL after each; nothing while there are none.
# Usage: event-files.sh DIRECTORY

set -uo pipefail
cd "$1" 2>/dev/null || exit 0
find . -type f -name '*tfevents*' -print0 | while IFS= read -r -d '' file; do
  size=$({ wc -c <"$file"; } 2>/dev/null | tr -d ' ') || continue # a job that resumes has removed it
  printf '%s %s\0' "$size" "${file#./}"
done
