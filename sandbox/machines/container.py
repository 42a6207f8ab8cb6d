# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start the machine of an instance: container.py NAME IMAGE ARN [OPTION OF podman run...].

As AWS does at each start, replace the last machine by a fresh one, and give it the instance's name and ARN.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

BOOT_SECONDS = 300  # it takes seconds, unless the computer is busy
TIMED_OUT = 124  # the exit code of timeout
ROOM = 200  # MB on the disk; with less, a container boots but its Jupyter does not start
SYSTEM_IS_UP = """
until state=$(systemctl is-system-running --wait 2>&1) || [ "$state" = degraded ]; do sleep 0.1; done
cat >/opt/ml/metadata/resource-metadata.json
"""


class MachineError(Exception):
    """A machine did not come up; the message is the instance's FailureReason."""


def check_room() -> None:
    """Raise MachineError unless the disk that podman keeps containers on has room for one more."""
    where = podman("info", "--format", "{{.Store.GraphRoot}}").strip()
    free = shutil.disk_usage(where).free // 10**6
    if free < ROOM:
        raise MachineError(
            f"The disk of {where}, where podman keeps containers, has {free} MB left, and an instance takes {ROOM}. "
            "Remove files of yours, or what podman no longer uses: podman system prune"
        )


def fresh(name: str, image: str, arn: str, options: list[str]) -> None:
    """Replace the container of this name by a fresh one, and wait until its system is up."""
    podman("rm", "--force", "--ignore", "--time", "0", name)
    podman("run", "--detach", "--name", name, "--systemd=always", *options, image)
    identity = {"ResourceArn": arn, "ResourceName": arn.rsplit("/", maxsplit=1)[-1]}
    wait("The machine did not boot", name, SYSTEM_IS_UP, BOOT_SECONDS, json.dumps(identity))


def wait(otherwise: str, name: str, script: str, seconds: int, given: str = "") -> None:
    """Run a script, which waits for a condition, on the machine; raise MachineError if it fails or takes too long."""
    command = ["podman", "exec", "--interactive", name, "timeout", str(seconds), "bash", "-euc", script]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        why = f"it took longer than {seconds} s" if done.returncode == TIMED_OUT else done.stderr.strip()[-500:]
        raise MachineError(f"{otherwise}: {why}.")


def podman(*arguments: str) -> str:
    """Run a command of podman, and return what it prints."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"podman {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    try:
        fresh(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    except MachineError as error:
        sys.exit(str(error))
