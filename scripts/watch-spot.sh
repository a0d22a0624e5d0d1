#!/usr/bin/env bash
# Watch for the two minutes' notice of a spot instance; hand the job a SIGTERM, so that it saves.
# Usage: watch-spot.sh RUN_DIRECTORY WRAPPER_PID
# AWS asks to look every five seconds; the answer is 404 until the notice is there.

set -euo pipefail
run=$1 wrapper=$2
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}

token() { curl -sf -m 2 -X PUT "$metadata/latest/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600'; }

while kill -0 "$wrapper" 2>/dev/null; do
  if notice=$(curl -sf -m 2 "$metadata/latest/meta-data/spot/instance-action" -H "X-aws-ec2-metadata-token: $(token)"); then
    printf '%s\n' "$notice" >"$run/spot_notice"
    kill -TERM "$wrapper"
    exit
  fi
  sleep 5
done
