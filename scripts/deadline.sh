#!/usr/bin/env bash
# Power this machine off after a while, unless told otherwise first.
# Usage: deadline.sh NAME SECONDS | deadline.sh NAME off
# NAMEs in use: start (no job yet), grace (job ended, nobody pulled). The run's own deadline, armed at boot before
# sshd, has no business here: nothing may put it off.

set -euo pipefail
name=$1 seconds=$2 unit=gpu-jobs-$1

sudo -n systemctl stop "$unit.timer" 2>/dev/null || true
[[ $seconds == off ]] && exit 0
sudo -n systemd-run --on-active="${seconds}s" --unit="$unit" systemctl poweroff >/dev/null 2>&1 || {
  echo "deadline.sh: could not arm '$name' for ${seconds} s: systemd-run refused. Expected systemd and sudo." >&2
  exit 1
}
