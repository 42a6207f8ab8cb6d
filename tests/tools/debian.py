# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install packages of the operating system on a CI machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = Path("/run/lock/datalab-apt-get")


def may_install() -> bool:
    """Return whether this is a CI machine with apt-get, where this process is root."""
    return os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install these packages when no other check installs any; the output of apt-get goes to stderr."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt_get = ["apt-get", "--option=Acquire::Retries=3"]
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with no_service_starts():
            for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
                subprocess.run(
                    [*apt_get, *command], check=True, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr
                )


@contextmanager
def no_service_starts() -> Iterator[None]:
    """Keep the services of new packages, such as a file server, from starting; the tests start their own.

    https://www.debian.org/doc/debian-policy/ch-opersys.html#interfacing-with-init-systems
    """
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
