#!/usr/bin/env bash
# Find the EBS volume by its id, make a file system only if it is provably blank, mount it.
# Usage: mount-volume.sh VOLUME_ID DIRECTORY ORIGIN
# ORIGIN: "empty", as AWS made it, and no job ever ran on it; or "used", made from a snapshot or by a run
# Prints "formatted" or "found", and the free KiB. Exits 1 with one line when the volume can't be used safely.

set -euo pipefail
volume_id=$1 directory=$2 origin=$3
by_id=${DISK_BY_ID:-/dev/disk/by-id}
wait_s=60
places=32

die() { printf 'mount-volume.sh: %s\n' "$1" >&2; exit 1; }

find_device() { # Nitro names the NVMe device by the volume id; Xen shows /dev/sdf as /dev/xvdf
  local link=$by_id/nvme-Amazon_Elastic_Block_Store_${volume_id/-/}
  local waited
  for ((waited = 0; waited < wait_s * 4; waited++)); do
    if [[ -e $link ]]; then readlink -f "$link"; return; fi
    if [[ -b /dev/xvdf ]]; then echo /dev/xvdf; return; fi
    sleep 0.25
  done
  die "volume $volume_id is attached, but no device for it appeared within $wait_s s. Expected $link."
}

# blkid answers 2 for a blank device, but also for raw data without a signature and for a missing device:
# only a whole disk, made empty by AWS and not used since, without holders or partitions, that is all zero in its first
# MiB and in many others up to its last may be formatted. mkfs itself never asks.
is_blank() {
  local device=$1 status=0
  [[ $origin == empty ]] || return 1
  [[ $(sudo -n lsblk -nro TYPE "$device") == disk ]] || return 1
  sudo -n blkid -p "$device" >/dev/null 2>&1 || status=$?
  [[ $status == 2 ]] && is_zero_all_over "$device"
}

is_zero_all_over() { # every byte of 32 MiB and less; of more as many MiB as there are places
  local device=$1 last place
  last=$(($(sudo -n lsblk -bdnro SIZE "$device") - 1048576))
  for ((place = 0; place < places; place++)); do
    sudo -n cmp -s -n 1048576 "$device" /dev/zero "$((last * place / (places - 1)))" 0 || return 1
  done
}

device=$(find_device)
mkdir -p "$directory"
outcome=found
if ! mountpoint -q "$directory"; then
  if [[ -z $(sudo -n blkid -p -o value -s TYPE "$device" 2>/dev/null) ]]; then
    is_blank "$device" || die "$device ($volume_id) has no file system, yet isn't blank: it is left as it is. Expected ext4, xfs or an empty volume."
    sudo -n mkfs.ext4 -q -m 0 "$device"
    outcome=formatted
  fi
  sudo -n mount -o noatime "$device" "$directory"
  sudo -n chown "$(id -u):$(id -g)" "$directory"
fi
printf '%s %s\n' "$outcome" "$(df -Pk "$directory/" | awk 'NR == 2 {print $4}')"
