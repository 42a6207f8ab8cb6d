# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines that misbehave, or end unexpectedly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import laptop
from sandbox.laptop import Laptop
from sandbox.machines import Machine, Settings, container, images
from sandbox.machines.door import Door
from sandbox.machines.podman import Machines
from tests.tools import containers

ALICE = Machine(
    name="alice",
    arn="arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/alice",
    instance_type="ml.t3.medium",
    root_access=False,
    scripts={
        "on-create": "#!/bin/bash\necho made >>/home/ec2-user/SageMaker/made\n",
        "on-start": "#!/bin/bash\necho started\n",
    },
    config_arn="arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance-lifecycle-config/datalab",
    file_systems={"fs-1": "datalab"},
)
BOOT_SECONDS = 400


@pytest.fixture(scope="module")
def image() -> str:
    containers.check()
    os.environ.update(containers.prepare())
    return os.environ["DATALAB_HOST_IMAGE"]


@pytest.fixture
def printed() -> list[tuple[str, str, str]]:
    """Provide a list for the output of scripts."""
    return []


@pytest.fixture
def server(image: str, tmp_path: Path, printed: list[tuple[str, str, str]]) -> Iterator[Callable[..., Machines]]:
    """Provide a function that starts the machines of a new sandbox server without stopping the earlier one first."""

    def begin(**settings: Any) -> Machines:
        begun = Machines(Settings(image, **settings), tmp_path, lambda *said: printed.append(said))
        Door(begun.jupyter_of, lambda name: None).serve_aws(begun.aws, 1)
        return begun

    yield begin
    ended = begin()
    ended.reset()
    ended.close()
    assert names_of(ended) == []


def names_of(machines: Machines | Laptop) -> list[str]:
    """Return the names of this sandbox's containers and volumes, without the sandbox's own name."""
    options = ["--filter", f"label=sandbox={machines.identity}", "--format"]
    found = podman("ps", "--all", *options, "{{.Names}}") + podman("volume", "ls", *options, "{{.Name}}")
    return sorted(name.removeprefix(machines.identity + "-") for name in found.split())


def podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout


def on(machines: Machines, name: str, command: str) -> str:
    return podman("exec", f"{machines.identity}-{name}", "bash", "-c", f"{command} 2>&1 || true").strip()


def test_life(server: Callable[..., Machines], printed: list[tuple[str, str, str]]) -> None:
    machines = server()
    assert machines.start(ALICE).result(BOOT_SECONDS) == ""
    assert printed == [("alice", "on-create", ""), ("alice", "on-start", "started\n")]
    assert json.loads(on(machines, "alice", "cat /opt/ml/metadata/resource-metadata.json"))["ResourceName"] == "alice"
    assert "a password is required" in on(machines, "alice", "runuser -u ec2-user -- sudo --non-interactive id")
    assert machines.stop("alice").result(60) == ""
    assert not machines.has_ended("alice")  # since it was stopped
    assert names_of(machines) == ["alice", "efs.datalab"]

    # The next machine has the same volume, and sudo.
    assert machines.start(replace(ALICE, root_access=True)).result(BOOT_SECONDS) == ""
    assert on(machines, "alice", "cat /home/ec2-user/SageMaker/made") == "made"
    assert "uid=0" in on(machines, "alice", "runuser -u ec2-user -- sudo --non-interactive id")
    assert machines.stop("alice").result(60) == ""
    assert machines.remove("alice").result(60) == ""
    assert names_of(machines) == ["efs.datalab"]


def test_script_that_fails(server: Callable[..., Machines], printed: list[tuple[str, str, str]]) -> None:
    machines = server()
    failing = replace(ALICE, scripts={"on-start": "#!/bin/bash\necho no such thing >&2\nexit 3\n"})
    reason = machines.start(failing).result(BOOT_SECONDS)
    assert reason.startswith(f"Notebook Instance Lifecycle Config '{ALICE.config_arn}' for Notebook Instance")
    assert "failed. Please check your CloudWatch logs" in reason
    assert printed == [("alice", "on-start", "no such thing\n")]
    assert names_of(machines) == ["alice", "efs.datalab"]  # both are volumes


def test_script_that_takes_too_long(server: Callable[..., Machines]) -> None:
    machines = server(script_seconds=1)
    slow = replace(ALICE, scripts={"on-start": "#!/bin/bash\nsleep infinity\n"})
    assert "took longer than" in machines.start(slow).result(BOOT_SECONDS)


def test_full_disk(server: Callable[..., Machines], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "ROOM", 10**12)  # more than any disk has
    machines = server()
    assert "MB left, and an instance takes 1000000000000" in machines.start(ALICE).result(BOOT_SECONDS)
    assert names_of(machines) == []


def test_capacity(server: Callable[..., Machines]) -> None:
    machines = server(limit=1)
    alice, bob = machines.start(ALICE), machines.start(replace(ALICE, name="bob"))
    assert "not enough capacity of ml.t3.medium" in bob.result(60)
    machines.close()  # while Alice's machine is starting; that start is cancelled
    assert alice.result(60)
    assert names_of(machines) == ["alice", "efs.datalab"]  # both are volumes


def test_container_that_was_killed_and_server_that_was(server: Callable[..., Machines]) -> None:
    machines = server()
    assert machines.start(ALICE).result(BOOT_SECONDS) == ""
    on(machines, "alice", "echo kept >/home/ec2-user/SageMaker/kept")
    assert not machines.has_ended("alice")
    podman("kill", f"{machines.identity}-alice")
    podman("wait", f"{machines.identity}-alice")
    assert machines.has_ended("alice")
    assert machines.start(ALICE).result(BOOT_SECONDS) == ""
    assert on(machines, "alice", "cat /home/ec2-user/SageMaker/kept") == "kept"
    assert not machines.has_ended("alice")

    after = server()
    assert names_of(after) == ["alice", "efs.datalab"]  # both are volumes
    assert after.start(ALICE).result(BOOT_SECONDS) == ""
    assert on(after, "alice", "cat /home/ec2-user/SageMaker/kept") == "kept"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Laptop]:
    """Provide a laptop; remove all of it at the end."""
    home = Laptop(tmp_path)
    yield home
    home.reset()


def test_ends_make_nothing_and_can_be_repeated(image: str, home: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stop` removes a killed server's containers, `reset` its volumes too; both make no image and can be repeated."""
    podman("create", f"--label=sandbox={home.identity}", f"--name={home.identity}-bob", image, "true")
    podman("volume", "create", f"--label=sandbox={home.identity}", f"{home.identity}-alice")
    monkeypatch.setattr(laptop, "Laptop", lambda: home)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # restored after the test
    monkeypatch.setattr(images, "prepare", lambda: pytest.fail("images are made"))
    home.state.path.mkdir(parents=True)
    home.state.account.touch()
    left = {"stop": ["alice"], "reset": []}
    for command in ("stop", "stop", "reset", "reset"):
        monkeypatch.setattr(sys, "argv", ["laptop", command])
        assert laptop.main() == 0
        assert names_of(home) == left[command]
        assert home.state.account.exists() == bool(left[command])
