#!/bin/bash
# until.sh SECONDS COMMAND...: repeats the command until it succeeds, or for so long.
end=$((SECONDS + $1))
shift
until "$@"; do
  ((SECONDS < end)) || exit 1
  sleep 0.2
done
