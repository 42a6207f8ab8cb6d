# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines as containers of podman: a fresh one at each start, on a volume that stays.

A machine has a directory, which it sees as /run/sandbox: it has the scripts of its lifecycle configuration, and the
socket of its Jupyter. A machine reaches AWS and all other servers by sockets as well. So no port is opened for it, and
everything works the same for root and for other users.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from .container import BOOT_SECONDS, TIMED_OUT, MachineError, check_room, fresh, podman, wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import Machine, Settings

HERE = Path(__file__).parent
TOLD = "machine:"  # the prefix of log lines about what a machine does
VOLUME = "/home/ec2-user/SageMaker"
FILE_SYSTEMS = "/mnt/file-systems"
PROXY = "/lib/systemd/systemd-socket-proxyd"
JUPYTER = "127.0.0.1:8443"
AWS_PORT = "5566"  # the port at which the AWS CLI of the image expects AWS
JUPYTER_SECONDS = 600  # it takes seconds, unless the computer is busy
KILLED = 137  # the exit code of timeout when it had to send SIGKILL
SCRIPTS = ("on-create", "on-start")  # in the order in which they run; on-create runs only on a new volume

# Memory in GiB and processors of the types that fit on a laptop; other types get those of the smallest one.
SIZES = {"ml.t3.medium": (4, 2), "ml.t3.large": (8, 2), "ml.m5.large": (8, 2), "ml.t3.xlarge": (16, 4)}
SMALLEST = (4, 2)

# Wait until Jupyter answers and no restart is pending, since on-start's settings take effect only then.
JUPYTER_IS_UP = """
until ! systemctl is-active --quiet datalab-jupyter && [ -z "$(systemctl list-jobs --no-legend 'jupyter*')" ] &&
  curl --silent --fail --insecure --output /dev/null --max-time 5 https://localhost:8443/api/status; do sleep 0.1; done
"""


def identity_of(state: Path) -> str:
    """Return the label of the containers and volumes of a sandbox, by its directory. Their names begin with it."""
    return "sandbox-" + hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]


def runtime_directory(state: Path) -> Path:
    """Return the directory of a sandbox's sockets, which is short: a socket's path has at most 107 characters."""
    return Path(os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir())) / identity_of(state)


def remove_containers(identity: str) -> None:
    """Remove all containers of a sandbox."""
    if containers := podman("ps", "--all", "--quiet", f"--filter=label=sandbox={identity}").split():
        podman("rm", "--force", "--ignore", "--time", "0", *containers)


def remove_volumes(identity: str) -> None:
    """Remove all volumes of a sandbox that has no containers."""
    if volumes := podman("volume", "ls", "--quiet", f"--filter=label=sandbox={identity}").split():
        podman("volume", "rm", "--force", *volumes)


def _is_over(life: int) -> bool:
    """Return whether the process of this descriptor of os.pidfd_open has ended."""
    look = select.poll()
    look.register(life, select.POLLIN)
    return bool(look.poll(0))


def _proxy(unit: str, listen: str, to: str) -> str:
    """Return the command by which a machine forwards connections from one of its sockets to another socket."""
    return f"systemd-run --quiet --unit=sandbox-{unit} --socket-property=ListenStream={listen} {PROXY} {to}"


def tell(name: str, what: str) -> None:
    """Write a line for people to the server's log."""
    sys.stderr.write(f"{TOLD} {name} {what}\n")  # in one call, since other threads log requests


ERRORS = (MachineError, OSError, subprocess.SubprocessError)


class Machines:
    """The machines of one sandbox, which is identified by its state directory."""

    def __init__(self, settings: Settings, state: Path, log: Callable[[str, str, str], None]) -> None:
        """Take a function `log`, which gets the name of an instance, the name of a script, and the script's output."""
        self._settings = settings
        self._log = log
        self.identity = identity_of(state)
        self._directory = runtime_directory(state)
        self._names: set[str] = set()
        self._one_at_a_time = Lock()
        self._lives: dict[str, int] = {}  # by machine: the pidfd of the first process of its container
        self._watching = Lock()
        self._pool = ThreadPoolExecutor(2 * settings.limit)  # so that a stop does not wait for starts
        self._jobs: set[Future[str]] = set()
        remove_containers(self.identity)  # left by an earlier server
        shutil.rmtree(self._directory, ignore_errors=True)
        self.aws = self.directory("links") / "aws.sock"  # the socket at which machines reach AWS
        self._directory.mkdir(mode=0o700)
        self.aws.parent.mkdir()

    def directory(self, name: str) -> Path:
        """Return the directory that the machine of this name sees as /run/sandbox; all machines see `links`."""
        return self._directory / name

    def jupyter_of(self, name: str) -> Path:
        """Return the socket at which a machine's Jupyter answers."""
        return self.directory(name) / "jupyter.sock"

    def start(self, machine: Machine) -> Future[str]:
        """Begin to start a machine; the result is the reason why it did not come up, or ""."""
        self._names.add(machine.name)
        if len(self._names) > self._settings.limit:
            self._names.discard(machine.name)
            refused: Future[str] = Future()
            refused.set_result(
                f"There is not enough capacity of {machine.instance_type}: {self._settings.limit} machines run here."
            )
            return refused
        return self._begin(self._start, machine)

    def has_ended(self, name: str) -> bool:
        """Return whether a running machine has ended by itself or was killed; each end is reported once."""
        with self._watching:
            ended = name in self._lives and _is_over(self._lives[name])
        if ended:
            self._forget(name)
            self._names.discard(name)
            tell(name, "has ended by itself")
        return ended

    def stop(self, name: str) -> Future[str]:
        """Begin to stop a machine; its volume stays."""
        self._forget(name)
        return self._begin(self._stop, name)

    def remove(self, name: str) -> Future[str]:
        """Begin to remove a machine and its volume."""
        return self._begin(self._remove, name)

    def close(self) -> None:
        """Remove all machines; the volumes stay."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._remove_containers()
        shutil.rmtree(self._directory, ignore_errors=True)

    def reset(self) -> None:
        """Remove all machines with their volumes, and the file systems."""
        self._remove_containers()
        remove_volumes(self.identity)

    def _begin(self, job: Callable[[Any], None], what: Any) -> Future[str]:
        def attempt() -> str:
            try:
                job(what)
            except ERRORS as error:
                return str(error)
            return ""

        begun = self._pool.submit(attempt)
        self._jobs = {begun, *(job for job in self._jobs if not job.done())}
        return begun

    def _remove_containers(self) -> None:
        """Remove containers until no job runs that could create another one: a job whose container is removed fails."""
        working = True
        while working:
            working = bool(futures.wait(self._jobs, timeout=0.2).not_done)
            remove_containers(self.identity)
        self._names.clear()
        for name in list(self._lives):
            self._forget(name)

    def _start(self, machine: Machine) -> None:
        began = time.monotonic()
        try:
            tell(machine.name, "boots")
            new = self._boot(machine)
            self._watch(machine.name)
            tell(machine.name, "runs its lifecycle configuration")
            self._run_scripts(machine, new)
            tell(machine.name, "restarts its Jupyter")
            wait("Jupyter did not answer", self._volume(machine.name), JUPYTER_IS_UP, JUPYTER_SECONDS)
        except ERRORS as error:
            tell(machine.name, f"failed after {time.monotonic() - began:.0f} s: {error}")
            with suppress(*ERRORS):
                self._stop(machine.name)
            raise
        tell(machine.name, f"is ready after {time.monotonic() - began:.0f} s")

    def _boot(self, machine: Machine) -> bool:
        """Start a fresh container and wait for its system; return whether its volume is new."""
        check_room()
        home = self.directory(machine.name)
        shutil.rmtree(home, ignore_errors=True)  # may have the sockets of a machine that was killed
        home.mkdir(parents=True)
        for script, content in machine.scripts.items():
            (home / script).write_text(content)
            (home / script).chmod(0o755)
        new = self._make_volume(machine.name)
        memory, processors = SIZES.get(machine.instance_type, SMALLEST)
        mounts = {
            VOLUME: self._volume(machine.name),
            "/run/sandbox": home,
            "/sbin/mount.nfs4:ro": HERE / "mount.nfs4",
        }
        for file_system, token in machine.file_systems.items():
            self._make_volume(f"efs.{token}")
            mounts[f"{FILE_SYSTEMS}/{file_system}"] = self._volume(f"efs.{token}")
        for port, socket in self._links().items():
            mounts[f"/run/links/{port}"] = socket.parent
        options = [
            "--hostname",
            machine.name,
            "--network=none",
            "--cap-add=SYS_ADMIN",
            f"--memory={memory}g",
            f"--cpus={processors}",
        ]
        options += [f"--label=sandbox={self.identity}", *(f"--volume={here}:{there}" for there, here in mounts.items())]
        fresh(self._volume(machine.name), self._settings.image, machine.arn, options)
        sockets = [_proxy("jupyter", "/run/sandbox/jupyter.sock", JUPYTER)]
        sockets += [
            _proxy(f"link-{port}", f"127.0.0.1:{port}", f"/run/links/{port}/{socket.name}")
            for port, socket in self._links().items()
        ]
        rights = [] if machine.root_access else ["rm -f /etc/sudoers.d/ec2-user"]
        setup = "\n".join([*sockets, *rights])
        wait("The machine is not linked", self._volume(machine.name), setup, BOOT_SECONDS)
        return new

    def _watch(self, name: str) -> None:
        """Watch the first process of a container; only on Linux, since elsewhere podman runs in a virtual machine."""
        if sys.platform == "linux":
            process = int(podman("inspect", "--format={{.State.Pid}}", self._volume(name)))
            self._forget(name)
            with self._watching:
                self._lives[name] = os.pidfd_open(process)

    def _forget(self, name: str) -> None:
        with self._watching:
            if (life := self._lives.pop(name, None)) is not None:
                os.close(life)

    def _links(self) -> dict[str, Path]:
        """Return the sockets that a machine can reach, by the port of its loopback interface."""
        return {AWS_PORT: self.aws, **{port: Path(socket) for port, socket in self._settings.links.items()}}

    def _run_scripts(self, machine: Machine, new: bool) -> None:
        """Run the scripts as AWS does: as root, in /, with almost no environment, for five minutes at most."""
        seconds = self._settings.script_seconds
        for script in SCRIPTS if new else SCRIPTS[1:]:
            if script not in machine.scripts:
                continue
            command = ["podman", "exec", "--workdir", "/", self._volume(machine.name)]
            command += ["env", "-i", "timeout", "--kill-after=5", str(seconds), f"/run/sandbox/{script}"]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            self._log(machine.name, script, done.stdout + done.stderr)
            if done.returncode:
                late = done.returncode in {TIMED_OUT, KILLED}
                what = f"took longer than {seconds // 60} minutes" if late else "failed"
                raise MachineError(
                    f"Notebook Instance Lifecycle Config '{machine.config_arn}' for Notebook Instance '{machine.arn}' "
                    f"{what}. Please check your CloudWatch logs for more details if your Notebook Instance has "
                    "Internet access."
                )

    def _stop(self, name: str) -> None:
        self._forget(name)
        podman("rm", "--force", "--ignore", "--time", "10", self._volume(name))
        shutil.rmtree(self.directory(name), ignore_errors=True)
        self._names.discard(name)

    def _remove(self, name: str) -> None:
        self._stop(name)
        podman("volume", "rm", "--force", self._volume(name))

    def _volume(self, name: str) -> str:
        """Return the name of a volume, which is also that of the container on it."""
        return f"{self.identity}-{name}"

    def _make_volume(self, name: str) -> bool:
        """Create a volume unless it exists; return whether it was created."""
        volume = self._volume(name)
        with self._one_at_a_time:  # machines that start at the same time share file systems
            if subprocess.run(["podman", "volume", "exists", volume], check=False).returncode == 0:
                return False
            podman("volume", "create", f"--label=sandbox={self.identity}", volume)
            return True
