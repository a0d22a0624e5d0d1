# Shared by the commands in this folder: the machine's devices, its mounts, and calls to the server. Sourced.
# shellcheck shell=bash

set -uo pipefail
root=$EMBEDDED_EC2_ROOT
mounts=$root/run/mounts # a line per mount: device, directory, what the directory held; between tabs
touch "$mounts"

die() { # die MESSAGE [CODE]
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2-1}"
}

call() { # call VERB [QUERY]: the server's text, on stdout if it agrees, else on stderr with status 1
  local status body
  exec 3<>"/dev/tcp/127.0.0.1/${EMBEDDED_EC2_CALL%%/*}" || die "the machine's power is gone"
  printf 'POST /%s/%s?%s HTTP/1.0\r\n\r\n' "${EMBEDDED_EC2_CALL#*/}" "$1" "${2-}" >&3
  read -r _ status _ <&3
  while IFS= read -r body <&3 && [[ $body != $'\r' ]]; do :; done
  body=$(cat <&3)
  exec 3>&-
  if [[ $status == 200 ]]; then
    [[ -z $body ]] || printf '%s\n' "$body"
  else
    printf '%s\n' "$body" >&2
    return 1
  fi
}

devices() { # a line per attached volume: name, file behind it
  local link
  for link in "$root"/dev/nvme*; do
    [[ -L $link ]] && printf '%s\t%s\n' "${link##*/}" "$(readlink -f "$link")"
  done
}

device() { # device WORD: the file behind a device that is named by path, UUID= or LABEL=; fails if there is none
  local file wanted
  wanted=$(readlink -f "$1" 2>/dev/null)
  while IFS=$'\t' read -r _ file; do
    case $1 in
      UUID=*) [[ $(fs_uuid "$file") == "${1#UUID=}" ]] || continue ;;
      LABEL=*) [[ $(fs_label "$file") == "${1#LABEL=}" ]] || continue ;;
      *) [[ $file == "$wanted" ]] || continue ;;
    esac
    printf '%s\n' "$file"
    return
  done < <(devices)
  return 1
}

volume_id() { basename "$(dirname "$1")"; }

# An ext4 superblock begins at byte 1024: its magic at 56, its UUID at 104, its label at 120.
fs_type() { [[ $(od -An -tx1 -j 1080 -N 2 "$1" | tr -d ' \n') == 53ef ]] && echo ext4; }
fs_label() { dd if="$1" bs=1 skip=1144 count=16 2>/dev/null | tr -d '\0'; }
fs_uuid() {
  local hex
  hex=$(od -An -v -tx1 -j 1128 -N 16 "$1" | tr -d ' \n')
  printf '%s-%s-%s-%s-%s\n' "${hex:0:8}" "${hex:8:4}" "${hex:12:4}" "${hex:16:4}" "${hex:20}"
}

directory() { # directory PATH: as the table of mounts writes it; the last part may be a mount, so it isn't followed
  local path=${1%/} parent
  parent=$(cd "$(dirname "$path")" 2>/dev/null && pwd -P) || return 1
  printf '%s/%s\n' "${parent%/}" "${path##*/}"
}

mount_of() { # mount_of FILE-OR-DIRECTORY: its line of the table; fails if it isn't mounted
  awk -F '\t' -v wanted="$1" '$1 == wanted || $2 == wanted { print; found = 1 } END { exit !found }' "$mounts"
}
