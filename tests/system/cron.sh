#!/usr/bin/env bash
# PID 1 of namespaces in which the real cron daemon has a crontab and a sendmail of its own; the machine's are untouched.
# Usage: unshare --mount --net --pid --fork --mount-proc cron.sh FOLDER
# FOLDER: crontab (root's); mail/ gets a file for each mail. When this process dies, all of it is gone.

set -euo pipefail
folder=$1

fresh() { mount -t tmpfs -o mode=755 tmpfs "$1"; }

ip link set lo up
fresh /run
fresh /etc/cron.d
fresh /var/spool/cron
install -d -m 1730 /var/spool/cron/crontabs
install -m 600 "$folder/crontab" /var/spool/cron/crontabs/root
mkdir /run/sendmail
cat >/run/sendmail/sendmail <<SENDMAIL
#!/bin/sh
cat >"$folder/mail/\$\$.part" && mv "$folder/mail/\$\$.part" "$folder/mail/\$\$"
SENDMAIL
chmod +x /run/sendmail/sendmail
mount -t overlay -o "lowerdir=/run/sendmail:/usr/sbin" overlay /usr/sbin
[[ -e /etc/crontab ]] && mount --bind /dev/null /etc/crontab
cd /
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin cron -f &
while :; do wait -n || sleep 1; done # PID 1 reaps
