# shellcheck shell=bash
# changes.sh COMMAND...: runs on-start, waits until the restart of Jupyter that it has ordered is over, and says what is
# different then.
set -u

# What a start may change: settings and commands by their content, what Jupyter has in the home by its time, the rest by
# its name. Logs, which say when something happened, do not count, nor do people's files.
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
