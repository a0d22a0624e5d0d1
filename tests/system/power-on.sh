#!/usr/bin/env bash
# PID 1 of a test's "instance": makes the namespaces that it was started in look like a freshly booted server.
# Usage: unshare --mount --net --pid --fork --mount-proc power-on.sh FOLDER PYTHON_PREFIX SITE_PACKAGES
# FOLDER: address, sshd_config, host_key, authorized_keys, stand-ins/. When this process dies, all of it is gone.

set -euo pipefail
folder=$1 python_prefix=$2 site_packages=$3

fresh() { mount -t tmpfs -o "mode=${2:-755}" tmpfs "$1"; }

make_devices() { # a /dev of its own, so that volumes can be given the names that they have on EC2
  local device
  fresh /mnt
  mkdir -p /mnt/disk/by-id /mnt/pts /mnt/shm
  for device in null zero full random urandom tty; do
    touch "/mnt/$device"
    mount --bind "/dev/$device" "/mnt/$device"
  done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /mnt/pts
  ln -s pts/ptmx /mnt/ptmx
  ln -s /proc/self/fd /mnt/fd
  mount --rbind /mnt /dev
  umount -l /mnt
}

make_users() { # ubuntu may do everything by sudo, as on Ubuntu's images
  printf '%s\n' root:x:0:0::/root:/bin/bash 'sshd:*:102:65534::/run/sshd:/bin/false' \
    'ubuntu:*:1000:1000::/home/ubuntu:/bin/bash' >/run/passwd
  printf '%s\n' root:x:0: tty:x:5: disk:x:6: ubuntu:x:1000: nogroup:x:65534: >/run/group
  mount --bind /run/passwd /etc/passwd
  mount --bind /run/group /etc/group
  fresh /home
  install -d -o 1000 -g 1000 /home/ubuntu
  install -d -o 1000 -g 1000 -m 700 /home/ubuntu/.ssh
  install -o 1000 -g 1000 -m 600 "$folder/authorized_keys" /home/ubuntu/.ssh/authorized_keys
}

make_programs() { # what the tests replace, a sudo that works without being installed, and a Python for everybody
  fresh /opt
  cp -R "$folder/stand-ins" /opt/stand-ins
  install -m 4755 "$(command -v setpriv)" /opt/as-root
  mkdir /opt/python /opt/packages
  mount --bind "$python_prefix" /opt/python
  mount --bind "$site_packages" /opt/packages
}

join_network() { # the test moves one end of a cable in here
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
  ip link set lo up
  ip address add 169.254.169.254/32 dev lo # where the metadata service of EC2 answers
  ip address add "$(cat "$folder/address")" dev eth0
  ip link set eth0 up
}

fresh /run
mkdir /run/sshd
install -m 600 "$folder/host_key" "$folder/sshd_config" /run/sshd/
make_users
make_programs
make_devices
join_network
fresh /tmp 1777
/usr/sbin/sshd -D -e -f /run/sshd/sshd_config >/run/sshd/log 2>&1 &
echo $! >/run/sshd/pid
install -m 666 /dev/null /run/recorded
while :; do wait -n || sleep 1; done # bash reaps, as PID 1 must: a zombie would still look alive to kill -0
