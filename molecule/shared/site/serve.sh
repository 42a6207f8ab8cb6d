#!/bin/bash
# The servers of AWS and of the company. They share the loopback interface of the instance, and there is no other.
set -eu
export PYTHONPATH=/srv/checkout PYTHONDONTWRITEBYTECODE=1
mkdir -p /srv/log /srv/state

/opt/site/bin/python -m sandbox.server --state-dir /srv/state --port 5566 --transition-seconds 0.2 &
/opt/site/bin/pypi-server -v run --interface 127.0.0.1 --port 8080 --disable-fallback /srv/packages \
  >>/srv/log/packages 2>&1 &
/opt/site/bin/python -m http.server --bind 127.0.0.1 --directory /srv/checkout/sandbox/machines/company 8081 \
  >>/srv/log/downloads 2>&1 &
# One that ends is missed by whatever uses it: better now than then.
wait -n
