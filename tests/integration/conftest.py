# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures for tests that run playbooks against a sandbox of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest

from ansible_collections.datalab.notebooks.tests.policies.operations import missing
from ansible_collections.datalab.notebooks.tests.tools.account import make_role
from ansible_collections.datalab.notebooks.tests.tools.operator import RECORDED
from sandbox import Sandbox, running

from .warm import WarmPlaybooks

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ROOT = Path(__file__).parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
TRANSITION_SECONDS = 0.2
LONGEST_RUN = 600  # seconds
READABLE = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_INJECT_FACT_VARS": "false"}
WARM: tuple[dict[str, str], ...] = ({}, READABLE)
READ_AT_IMPORT = ("ANSIBLE_", "PYTHON")  # prefixes of the variables that have an effect before a run is forked
MODULES_ALONE = {"test_inventory", "test_targets"}  # no playbook needs the rights for their calls


@dataclass(frozen=True)
class Played:
    """The exit code and output of an ansible-playbook process that has ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of the play recap (ok, changed, failed, …) by host."""
        lines = self.stdout.rpartition("PLAY RECAP")[2].splitlines()[1:]
        hosts = (re.fullmatch(r"(\S+)\s+:((?:\s+\w+=\d+)+)\s*", line) for line in lines)
        return {
            host[1]: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", host[2])} for host in hosts if host
        }

    def __str__(self) -> str:
        return f"ansible-playbook ended with {self.returncode}\n{self.stdout}\n{self.stderr}"


class PlaybookRunner:
    """A runner of ansible-playbook, in an empty directory and an environment without the user's own settings."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._config = home / "ansible.cfg"
        self._config.touch()
        self._started: dict[frozenset[tuple[str, str]], WarmPlaybooks] = {}
        self._starting = Lock()
        collection = home / "collections" / "ansible_collections" / "datalab" / "notebooks"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(ROOT)  # this checkout, even if another one is installed

    def __call__(
        self,
        playbook: str | Path,
        *arguments: str | Path,
        check: bool = False,
        environment: dict[str, str] | None = None,
    ) -> Played:
        """Run a playbook, by path or by name, to its end; with `check`, fail the test if the playbook fails."""
        command = [str(part) for part in (ANSIBLE_PLAYBOOK, playbook, *arguments)]
        environment = environment or {}
        imported = {name: value for name, value in environment.items() if name.startswith(READ_AT_IMPORT)}
        if imported in WARM:
            played = Played(*self._warm(imported)(command, environment, LONGEST_RUN))
        else:
            played = self._cold(playbook, *arguments, environment=environment)
        if check and played.returncode:
            pytest.fail(str(played), pytrace=False)
        return played

    def _cold(self, *command: str | Path, environment: dict[str, str]) -> Played:
        process = self.begin(*command, environment=environment)
        try:
            stdout, stderr = process.communicate(timeout=LONGEST_RUN)
        except subprocess.TimeoutExpired:
            kill_with_children(process)
            stdout, stderr = process.communicate()
        return Played(process.returncode, stdout, stderr)

    def _warm(self, environment: dict[str, str]) -> WarmPlaybooks:
        """Return the processes that fork for runs with this environment; start them if there are none."""
        key = frozenset(environment.items())
        with self._starting:
            if key not in self._started:
                self._started[key] = WarmPlaybooks(self._home, {**self._environment, **environment})
            return self._started[key]

    def end(self) -> None:
        """End the processes that wait for runs."""
        for warm in self._started.values():
            for process in warm.processes:
                kill_with_children(process)
            warm.forget()

    def inventory(self, *arguments: str | Path, environment: dict[str, str]) -> Played:
        """Run ansible-inventory."""
        done = subprocess.run(
            [str(ANSIBLE_PLAYBOOK.with_name("ansible-inventory")), *map(str, arguments)],
            cwd=self._home,
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Played(done.returncode, done.stdout, done.stderr)

    def begin(
        self, playbook: str | Path, *arguments: str | Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a playbook and return its process."""
        return subprocess.Popen(
            [str(part) for part in (ANSIBLE_PLAYBOOK, playbook, *arguments)],
            cwd=self._home,
            env={**self._environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "PATH": os.pathsep.join([str(ANSIBLE_PLAYBOOK.parent), os.environ["PATH"]]),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self._config),
            "ANSIBLE_COLLECTIONS_PATH": str(self._home / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "AWS_EC2_METADATA_DISABLED": "true",  # a search for credentials does not leave this machine
        }


def client(sandbox: Sandbox, service: str = "sagemaker") -> Any:
    """Return a boto3 client for changes and checks without Ansible."""
    session = boto3.Session("sandbox", "local-only", region_name="eu-central-1")
    return session.client(service, endpoint_url=sandbox.endpoint)  # type: ignore[call-overload]


def connection(endpoint: str) -> dict[str, str]:
    """Return the options with which modules reach a sandbox, or a proxy in front of it."""
    return {"endpoint_url": endpoint, "region": "eu-central-1", "access_key": "sandbox", "secret_key": "local-only"}


def furnish(sandbox: Sandbox, *roles: str) -> str:
    """Create these execution roles, which a test needs, and return a subnet of the account's default VPC."""
    for role in roles:
        make_role(client(sandbox, "iam"), f"arn:aws:iam::123456789012:role/{role}")
    subnet: str = client(sandbox, "ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    sandbox.reset_calls()
    return subnet


def changing(sandbox: Sandbox) -> dict[str, int]:
    """Return the calls that do not only read, and how often each was made."""
    looks = ("Describe", "List", "Get", "Head", "Filter", "Lookup")
    return {call: count for call, count in sandbox.calls().items() if not call.partition(":")[2].startswith(looks)}


def kill_with_children(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all its descendants, as a loss of power would; Ansible's workers are in other groups."""
    listed = subprocess.check_output(["ps", "-Ao", "pid=,ppid="], text=True).splitlines()
    parents = [(int(pid), int(parent)) for pid, parent in map(str.split, listed)]
    doomed = [process.pid]
    for each in doomed:
        doomed += [pid for pid, parent in parents if parent == each]
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlaybookRunner]:
    """Provide a runner: call it with a playbook and further arguments of ansible-playbook."""
    runner = PlaybookRunner(tmp_path_factory.mktemp("home"))
    yield runner
    runner.end()


def record(sandbox: Sandbox, request: pytest.FixtureRequest) -> None:
    """Record the calls of playbooks for tests/tools/operator.py; fail if the operator's policies do not allow one."""
    name = request.module.__name__.rpartition(".")[2]
    if name in MODULES_ALONE:
        return
    operations = sandbox.by_ansible()
    RECORDED.mkdir(parents=True, exist_ok=True)
    (RECORDED / f"{name}-{uuid4().hex}.json").write_text(json.dumps(operations), encoding="utf-8")
    assert not list(missing(operations))


@contextmanager
def copy_of(original: Sandbox, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Provide a copy of this sandbox and its contents; to start a server takes some seconds, to copy one takes none."""
    with original.copy() as copy:
        yield copy
        record(copy, request)


@pytest.fixture(scope="session")
def empty_sandbox() -> Iterator[Sandbox]:
    """Provide the sandbox of which all others are copies."""
    with running(TRANSITION_SECONDS) as started:
        yield started


@pytest.fixture
def sandbox(empty_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Provide an empty sandbox for one test."""
    with copy_of(empty_sandbox, request) as copy:
        yield copy


@pytest.fixture
def sagemaker(sandbox: Sandbox) -> SageMakerClient:
    """Provide a client for changes that Ansible does not know of."""
    made: SageMakerClient = client(sandbox)
    return made


@pytest.fixture(scope="module")
def module_sandbox(empty_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Provide a sandbox that the tests of one module share."""
    with copy_of(empty_sandbox, request) as copy:
        yield copy


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the results of the tests of faults, as lines of the table in docs/faults.md."""
    reports = terminalreporter.getreports("passed")
    seen = [line for report in reports for name, line in report.user_properties if name == "fault"]
    for line in dict.fromkeys(seen):
        terminalreporter.write_line(str(line))
