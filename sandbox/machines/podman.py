# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers for machines, by podman: a fresh one at each start, on a volume that stays.

A machine has a directory, which it sees as /run/sandbox: the scripts of its lifecycle configuration, the file that AWS
tells an instance by, and the socket at which its Jupyter answers. What it reaches here, such as AWS, are sockets as
well. So no port is opened for it, and all is the same for root and for other users.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import Machine, Settings

HERE = Path(__file__).parent
VOLUME = "/home/ec2-user/SageMaker"
FILE_SYSTEMS = "/mnt/file-systems"
PROXY = "/lib/systemd/systemd-socket-proxyd"
JUPYTER = "127.0.0.1:8443"
AWS_PORT = "5566"  # where the AWS CLI of the image looks for AWS
BOOT_SECONDS = 60
JUPYTER_SECONDS = 120
SCRIPTS = ("on-create", "on-start")  # in the order in which they run; the first one on an empty volume only

# Memory in GiB and processors of the types that fit on a laptop; others get what the smallest has.
SIZES = {"ml.t3.medium": (4, 2), "ml.t3.large": (8, 2), "ml.m5.large": (8, 2), "ml.t3.xlarge": (16, 4)}
SMALLEST = (4, 2)

# It answers, and does not do so only because it has yet to be restarted with what on-start has set.
JUPYTER_IS_UP = """
until ! systemctl is-active --quiet datalab-jupyter && [ -z "$(systemctl list-jobs --no-legend 'jupyter*')" ] &&
  curl --silent --fail --insecure --output /dev/null --max-time 5 https://localhost:8443/api/status; do sleep 0.3; done
"""


def identity_of(state: Path) -> str:
    """What the containers and volumes of the sandbox with this directory are called and labelled."""
    return "sandbox-" + hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]


def runtime_directory(state: Path) -> Path:
    """Where its sockets are. A path to a socket is short: 107 characters."""
    return Path(os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir())) / identity_of(state)


class MachineError(Exception):
    """A machine did not come up; the message is the instance's FailureReason."""


class Machines:
    """The machines of one sandbox, which is told by the directory of its state."""

    def __init__(self, settings: Settings, state: Path, log: Callable[[str, str, str], None]) -> None:
        """`log` takes the name of an instance, that of a script, and what it has printed."""
        self._settings = settings
        self._log = log
        self._identity = identity_of(state)
        self._directory = runtime_directory(state)
        self._names: set[str] = set()
        self._one_at_a_time = Lock()
        self._pool = ThreadPoolExecutor(settings.limit)
        self._remove_containers()  # those that an earlier server has left
        shutil.rmtree(self._directory, ignore_errors=True)
        self.aws = self.directory("links") / "aws.sock"  # where a machine finds AWS
        self._directory.mkdir(mode=0o700)
        self.aws.parent.mkdir()

    def directory(self, name: str) -> Path:
        """What the machine of this name sees as /run/sandbox; `links` is what all see."""
        return self._directory / name

    def jupyter_of(self, name: str) -> Path:
        """The socket at which its Jupyter answers."""
        return self.directory(name) / "jupyter.sock"

    def start(self, machine: Machine) -> Future[str]:
        """Begin to start a machine; the result is why it did not come up, or ""."""
        return self._pool.submit(self._start, machine)

    def stop(self, name: str) -> Future[str]:
        """Begin to stop one; its volume stays."""
        return self._pool.submit(self._stop, name)

    def remove(self, name: str) -> Future[str]:
        """Begin to remove what is left of one: the volume."""
        return self._pool.submit(self._remove, name)

    def close(self) -> None:
        """Remove all machines; the volumes stay."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._remove_containers()
        shutil.rmtree(self._directory, ignore_errors=True)

    def reset(self) -> None:
        """Remove all machines with their volumes, and the file systems."""
        self._remove_containers()
        volumes = self._podman("volume", "ls", "--quiet", "--filter", f"label=sandbox={self._identity}").split()
        if volumes:
            self._podman("volume", "rm", "--force", *volumes)

    def _remove_containers(self) -> None:
        containers = self._podman("ps", "--all", "--quiet", "--filter", f"label=sandbox={self._identity}").split()
        if containers:
            self._podman("rm", "--force", "--time", "0", *containers)
        self._names.clear()

    def _start(self, machine: Machine) -> str:
        try:
            self._take_place(machine)
            new = self._boot(machine)
            self._run_scripts(machine, new)
            self._exec(machine.name, "timeout", str(JUPYTER_SECONDS), "bash", "-c", JUPYTER_IS_UP)
        except (MachineError, OSError, subprocess.SubprocessError) as error:
            self._stop(machine.name)
            return str(error)
        return ""

    def _take_place(self, machine: Machine) -> None:
        self._names.add(machine.name)
        if len(self._names) > self._settings.limit:
            raise MachineError(
                f"There is not enough capacity of {machine.instance_type}: {self._settings.limit} machines run here."
            )

    def _boot(self, machine: Machine) -> bool:
        """A fresh container whose system is up; says whether its volume is new."""
        home = self.directory(machine.name)
        home.mkdir(parents=True, exist_ok=True)
        identity = {"ResourceArn": machine.arn, "ResourceName": machine.name}
        (home / "resource-metadata.json").write_text(json.dumps(identity))
        for script, content in machine.scripts.items():
            (home / script).write_text(content)
            (home / script).chmod(0o755)
        new = self._make_volume(machine.name)
        memory, processors = SIZES.get(machine.instance_type, SMALLEST)
        mounts = {
            VOLUME: self._volume(machine.name),
            "/run/sandbox": home,
            "/opt/ml/metadata/resource-metadata.json": home / "resource-metadata.json",
            "/sbin/mount.nfs4:ro": HERE / "mount.nfs4",
        }
        for file_system in machine.file_systems:
            self._make_volume(file_system)
            mounts[f"{FILE_SYSTEMS}/{file_system}"] = self._volume(file_system)
        for port, socket in self._links().items():
            mounts[f"/run/links/{port}"] = socket.parent
        name = self._volume(machine.name)
        self._podman("rm", "--force", "--ignore", "--time", "0", name)
        options = ["--hostname", machine.name, "--systemd=always", "--cap-add=SYS_ADMIN", f"--memory={memory}g"]
        options += [f"--cpus={processors}", f"--label=sandbox={self._identity}"]
        options += [f"--volume={source}:{target}" for target, source in mounts.items()]
        self._podman("run", "--detach", "--name", name, *options, self._settings.image)
        self._wait_for_boot(machine.name)
        if not machine.root_access:
            self._exec(machine.name, "rm", "-f", "/etc/sudoers.d/ec2-user")
        self._proxy(machine.name, "jupyter", "/run/sandbox/jupyter.sock", JUPYTER)
        for port, socket in self._links().items():
            self._proxy(machine.name, f"link-{port}", f"127.0.0.1:{port}", f"/run/links/{port}/{socket.name}")
        return new

    def _links(self) -> dict[str, Path]:
        """What is here for a machine, by the port of its loopback interface."""
        return {AWS_PORT: self.aws, **{port: Path(socket) for port, socket in self._settings.links.items()}}

    def _wait_for_boot(self, name: str) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        command = ["podman", "exec", self._volume(name), "systemctl", "is-system-running"]
        while subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() not in {
            "running",
            "degraded",
        }:
            if time.monotonic() > deadline:
                raise MachineError(f"The machine did not boot in {BOOT_SECONDS} s.")
            time.sleep(0.1)

    def _proxy(self, name: str, unit: str, listen: str, to: str) -> None:
        options = ["--quiet", f"--unit=sandbox-{unit}", f"--socket-property=ListenStream={listen}"]
        self._exec(name, "systemd-run", *options, PROXY, to)

    def _run_scripts(self, machine: Machine, new: bool) -> None:
        """As AWS does: as root, in /, with next to no environment, for five minutes at most."""
        seconds = self._settings.script_seconds
        for script in SCRIPTS if new else SCRIPTS[1:]:
            if script not in machine.scripts:
                continue
            command = ["podman", "exec", "--workdir", "/", self._volume(machine.name)]
            command += ["env", "-i", "timeout", "--kill-after=5", str(seconds), f"/run/sandbox/{script}"]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            self._log(machine.name, script, done.stdout + done.stderr)
            if done.returncode:
                late = done.returncode in {124, 137}
                what = f"took longer than {seconds // 60} minutes" if late else "failed"
                raise MachineError(
                    f"Notebook Instance Lifecycle Config '{machine.config_arn}' for Notebook Instance '{machine.arn}' "
                    f"{what}. Please check your CloudWatch logs for more details if your Notebook Instance has "
                    "Internet access."
                )

    def _stop(self, name: str) -> str:
        self._podman("stop", "--ignore", "--time", "10", self._volume(name))
        self._podman("rm", "--force", "--ignore", "--time", "0", self._volume(name))
        shutil.rmtree(self.directory(name), ignore_errors=True)
        self._names.discard(name)
        return ""

    def _remove(self, name: str) -> str:
        self._stop(name)
        self._podman("volume", "rm", "--force", self._volume(name))
        return ""

    def _volume(self, name: str) -> str:
        """The name of a volume, and of the container on it."""
        return f"{self._identity}-{name}"

    def _make_volume(self, name: str) -> bool:
        """Make a volume unless it is there; says whether it was made."""
        volume = self._volume(name)
        with self._one_at_a_time:  # machines that start at once share file systems
            if subprocess.run(["podman", "volume", "exists", volume], check=False).returncode == 0:
                return False
            self._podman("volume", "create", f"--label=sandbox={self._identity}", volume)
            return True

    def _exec(self, name: str, *command: str) -> str:
        return self._podman("exec", self._volume(name), *command)

    @staticmethod
    def _podman(*arguments: str) -> str:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise MachineError(f"podman {arguments[0]} failed: {done.stderr.strip()[-500:]}")
        return done.stdout
