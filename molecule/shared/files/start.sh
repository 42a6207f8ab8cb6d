#!/bin/bash
# Writes the files that AWS puts on the machine, {"path": "content"} on the standard input unless they are there, runs the
# scripts among them as AWS does, waits until Jupyter is up with what they set, and says what is different then.
set -u
python3.11 -c 'import json, pathlib, sys
for path, content in json.loads(sys.stdin.read() or "{}").items():
    pathlib.Path(path).write_text(content)' || exit
chmod 0755 /root/on-create.sh /root/on-start.sh

# On the volume and in the home a file that was written again is different, elsewhere one with other content.
# Logs and states, which say when something happened, do not count; nor do the files of a running Jupyter.
snapshot() {
  local home=/home/ec2-user unit
  find $home -path $home/.local/share/jupyter/runtime -prune -o -path $home/SageMaker/.datalab/status.json -o \
    -path "$home/SageMaker/.datalab/*.log" -o ! -type d -printf '%p %y %M %u:%g %s %T@ %l\n' -o -printf '%p %M %u:%g\n'
  find /etc /usr/local /var/lib/datalab ! -type f -printf '%p %y %M %u:%g %l\n' 2>/dev/null
  find /etc /usr/local -type f -printf '%p %M %u:%g\n' -exec sha256sum {} +
  for unit in jupyter-server.service datalab-conda.service datalab-jupyter.service datalab-autostop.timer; do
    echo "$unit $(systemctl show --property InvocationID "$unit")"
  done
}

# Of the settings, and of the end of the script: both come before the restart.
jupyter_is_up() {
  ! systemctl is-active --quiet datalab-jupyter && [ -z "$(systemctl list-jobs --no-legend 'jupyter*')" ] &&
    curl --silent --fail --insecure --output /dev/null --max-time 5 https://localhost:8443/api/status
}

# on-create.sh or on-start.sh, as root, in /, with next to no environment, for five minutes at most.
run() {
  local begin status
  begin=$(date +%s%N)
  cd / && env -i timeout 300 "/root/$1.sh"
  status=$?
  echo "$1: status $status after $((($(date +%s%N) - begin) / 1000000)) ms"
  [ "$status" = 0 ] || exit "$status"
}

[ -e /root/created ] || ! touch /root/created || [ -e /home/ec2-user/SageMaker/.datalab ] || run on-create
snapshot >/root/before
run on-start
ls /home/ec2-user/.local/share/jupyter/kernels 2>/dev/null >>/root/kernels-after-on-start
for _ in {1..300}; do
  ! jupyter_is_up || break
  sleep 0.2
done
jupyter_is_up || { echo "Jupyter did not come up."; exit 1; }
snapshot >/root/after
cmp --silent /root/before /root/after && exit
echo "changed by this start:"
diff /root/before /root/after | grep '^[<>]' | cut -c -200 | head -30
