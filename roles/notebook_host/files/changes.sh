# shellcheck shell=bash
# changes.sh COMMAND...: runs on-start, waits until Jupyter has restarted if on-start asked for it, and prints what has
# changed.
set -u

# What a start may change: settings and commands, compared by content; Jupyter's files in the home, by time; the rest,
# by name. Logs and people's files do not count.
machine() {
  local home=/home/ec2-user unit
  find /etc /usr/local/{bin,libexec} /usr/local/share/ca-certificates -xdev \
    ! -type f -printf '%p %M %u:%g %l\n' -o -printf '%p %M %u:%g\n' -exec sha256sum {} +
  find $home/{.condarc,.jupyter,.local/share/jupyter/kernels} -printf '%p %M %u:%g %s %T@ %l\n'
  find $home/SageMaker -maxdepth 1 -printf '%p %M %u:%g %l\n'
  head -n -0 $home/SageMaker/PLATFORM-STATUS.md
  cut -d ' ' -f 1-4 /proc/mounts
  for unit in jupyter-server.service datalab-conda.service datalab-jupyter.service datalab-autostop.timer; do
    echo "$unit $(systemctl show --property InvocationID "$unit")"
  done
} 2>/dev/null

jupyter_is_restarted() {
  ! systemctl is-active --quiet datalab-jupyter && [ -z "$(systemctl list-jobs --no-legend 'jupyter*')" ]
} 2>/dev/null

before=$(machine)
"$@" </dev/null || exit
for _ in {1..300}; do
  ! jupyter_is_restarted || break
  sleep 0.2
done
after=$(machine)
[ "$before" != "$after" ] || exit 0
echo "changed by this start:"
diff <(echo "$before") <(echo "$after") | grep '^[<>]' | cut -c -200 | head -30
