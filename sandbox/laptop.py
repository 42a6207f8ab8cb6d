# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole platform on this computer, instances included: python -m sandbox.laptop [up|stop|reset].

`up` creates what is missing and can be repeated; `stop` keeps the account and people's volumes; `reset` removes both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3

from .client import Sandbox
from .demo import REGION, ROOT, Demo, DemoError, announce
from .machines import Settings, images
from .machines.container import MachineError, check_room
from .machines.podman import TOLD, identity_of, remove_containers, remove_volumes, runtime_directory
from .process import NotStartedError, find, start, stop
from .state import TOLD as TOLD_OF_ACCOUNT
from .state import StateDir

PORT = 5577
COMPANY_PORTS = ("8080", "8081")  # the package index, and Conda's installer: machines/company
HERE = Path(__file__).parent / "machines"

GO_ON = """
A URL is valid for five minutes. To get another one, and for more:

  .venv/bin/ansible-playbook datalab.notebooks.open -i inventory/laptop -l alice
  .venv/bin/ansible-playbook datalab.notebooks.stop -i inventory/laptop -l alice     # and start, resize, status
  make laptop         again, after a change of inventory/laptop
  make laptop-stop    stop it; the platform and the volumes stay
  make laptop-reset   stop it, and remove both
"""


class Laptop:
    """A platform with machines, in a directory with the inventory and the sandbox's files."""

    def __init__(self, home: Path = ROOT) -> None:
        self.state = StateDir(home / "build/laptop")
        self.plays = Demo(home, name="laptop")
        self.identity = identity_of(self.state.path)
        self._company = runtime_directory(self.state.path) / "company"

    def start(self) -> None:
        """Start the sandbox and the company's servers, unless they run."""
        if find(self.state) is None:
            start(self.state, PORT, 0, self._settings())
            print(*self._told(), sep="", end="")
        self._start_company()

    def stop(self, *, volumes: bool = False) -> None:
        """Stop everything; remove the volumes and the account only with `volumes`."""
        before = len(self._told())
        stop(self.state)
        print(*self._told()[before:], sep="", end="")
        remove_containers(self.identity)  # left by a server that was killed
        if volumes:
            remove_volumes(self.identity)
            self.state.account.unlink(missing_ok=True)
        shutil.rmtree(runtime_directory(self.state.path), ignore_errors=True)

    def reset(self) -> None:
        """Stop everything, and remove the volumes and the account."""
        self.stop(volumes=True)

    def container(self, instance: str) -> str:
        """Return the name of the container in which an instance runs."""
        return f"{self.identity}-{instance}"

    @property
    def sagemaker(self) -> Any:
        """boto3's SageMaker client for the sandbox."""
        environment = Sandbox(self.state.endpoint).environment
        return boto3.client(
            "sagemaker",
            endpoint_url=self.state.endpoint,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    def states(self) -> dict[str, str]:
        """Return the status of each instance by its name."""
        listed = self.sagemaker.list_notebook_instances(SortBy="Name")["NotebookInstances"]
        return {each["NotebookInstanceName"]: each["NotebookInstanceStatus"] for each in listed}

    def url(self, instance: str) -> str:
        """Return a presigned URL of a running instance."""
        made = self.sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=instance)
        return str(made["AuthorizedUrl"])

    def _told(self) -> list[str]:
        """Return the server's log lines about loading and keeping the account."""
        lines = self.state.log.read_text().splitlines(keepends=True) if self.state.log.exists() else []
        return [line for line in lines if line.startswith(TOLD_OF_ACCOUNT)]

    def _settings(self) -> Settings:
        links = {port: str(self._company / f"{port}.sock") for port in COMPANY_PORTS}
        return Settings(image=os.environ["DATALAB_HOST_IMAGE"], links=links)

    def _start_company(self) -> None:
        """Start the servers that machines reach on their loopback interface, unless they run."""
        name = f"{self.identity}.company"  # an instance has no dot in its name
        running = ["podman", "ps", "--quiet", "--filter", f"name=^{name}$"]
        if subprocess.run(running, check=True, capture_output=True).stdout:
            return
        self._company.mkdir(exist_ok=True)
        mounts = {
            self._company: "/run/links",
            HERE / "company": "/srv/site:ro",
        }
        command = ["podman", "run", "--detach", "--replace", "--name", name, "--network=none"]
        command += [f"--label=sandbox={self.identity}"]
        command += [f"--volume={source}:{target}" for source, target in mounts.items()]
        command += [os.environ["DATALAB_SITE_IMAGE"], "/srv/site/serve.sh"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise DemoError(f"The company's servers did not start: {done.stderr}")


def up(laptop: Laptop) -> None:
    """Start the sandbox, converge the platform, and print the URL or the status of each instance."""
    began = time.monotonic()
    check_room()
    os.environ.update(images.prepare())
    announce("The sandbox: AWS on this machine, with a container for each instance")
    laptop.start()
    print(laptop.state.endpoint)
    announce("The whole platform, from inventory/laptop: the first time, instances take a minute to start")
    with shown(laptop.state.log):
        laptop.plays.play("site")
    announce(f"JupyterLab, after {time.monotonic() - began:.0f} seconds")
    for name, status in laptop.states().items():
        print(f"{name:<20} {laptop.url(name) if status == 'InService' else status}")
    print(GO_ON)


@contextmanager
def shown(log: Path) -> Iterator[None]:
    """Print the server's log lines about machines for the duration of the block."""
    ended = Event()

    def follow() -> None:
        with log.open() as lines:
            lines.seek(0, os.SEEK_END)
            while not ended.wait(0.5):
                print(*(line for line in lines if line.startswith(TOLD)), sep="", end="", flush=True)

    thread = Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main() -> int:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.laptop", description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", default="up", choices=["up", "stop", "reset"])
    command = parser.parse_args().command
    laptop = Laptop()
    try:
        images.check()
        os.environ["PATH"] = f"{images.PROGRAMS}:{os.environ['PATH']}"  # once prepared, a podman that runs the images
        {"up": lambda: up(laptop), "stop": laptop.stop, "reset": laptop.reset}[command]()
    except (images.ContainersError, DemoError, MachineError, NotStartedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
