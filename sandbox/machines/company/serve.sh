#!/bin/bash
# The servers of a company, for machines that have no other: the installer of a small Conda, and an index of
# packages. They answer at sockets in /run/links, which is what machines are linked to.
set -eu
/opt/site/bin/pypi-server run --interface 127.0.0.1 --port 8080 --disable-fallback /srv/packages &
/opt/site/bin/python -m http.server --bind 127.0.0.1 --directory /srv/site 8081 &
for port in 8080 8081; do
  rm -f "/run/links/$port.sock"
  systemd-socket-activate --listen="/run/links/$port.sock" /lib/systemd/systemd-socket-proxyd "127.0.0.1:$port" &
done
wait -n
