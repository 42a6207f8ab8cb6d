# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs that change a fleet while something is wrong, and the next run, which finishes what they have not done.

Each result is compared with a line of the table in docs/faults.md.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

from .conftest import ROOT, client, connection, furnish
from .modules import FleetRun
from .proxy import Proxy, proxy_before

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

TABLE = ROOT / "docs" / "faults.md"
ROLE = "arn:aws:iam::123456789012:role/datalab-execution"
PEOPLE = ("ada", "ben", "cem", "dan", "eve", "fay")
SECONDS = 0.4  # that a transition takes
# Each of the six people needs a different change.
WANTED: dict[str, Any] = {
    "lifecycle_configs": [
        {"name": "greeting", "on_start": "#!/bin/bash\necho welcome\n"},
        {"name": "another", "on_start": "#!/bin/bash\necho hello\n"},
    ],
    "instances": [
        {"name": f"team-{wanted['owner']}", "role_arn": ROLE, **wanted}
        for wanted in (
            {"owner": "ada", "instance_type": "ml.m5.xlarge", "update_policy": "force"},
            {"owner": "ben", "volume_size_in_gb": 30, "tags": {"team": "fraud", "owner": "ben"}, "keep_tags": ["idle"]},
            {"owner": "cem", "state": "absent"},
            {
                "owner": "dan",
                "instance_type": "ml.t3.medium",
                "lifecycle_config_name": "another",
                "tags": {"owner": "dan"},
            },
            {"owner": "eve", "state": "started"},
            {"owner": "fay", "state": "stopped"},
        )
    ],
    "managed": [],
}

CHANGING = (
    "CreateNotebookInstance",
    "UpdateNotebookInstance",
    "StartNotebookInstance",
    "StopNotebookInstance",
    "DeleteNotebookInstance",
    "CreateNotebookInstanceLifecycleConfig",
    "UpdateNotebookInstanceLifecycleConfig",
    "AddTags",
    "DeleteTags",
)
READING = (
    "ListNotebookInstances",
    "DescribeNotebookInstance",
    "DescribeNotebookInstanceLifecycleConfig",
    "ListTags",
    "GetResources",
)


def each(*operations: str, times: int, **fault: Any) -> list[dict[str, Any]]:
    """Return, for each operation, a rule that lets the fault happen `times` times."""
    return [{"service": "*", "operation": operation, "times": times, **fault} for operation in operations]


@dataclass(frozen=True)
class Fault:
    """Something that is wrong during the first run and right again in the second."""

    name: str
    rules: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)  # tags that make the sandbox misbehave, on the instance of `on`
    on: str = ""
    ends_meanwhile: bool = False  # the fault ends before the first run does
    wait_timeout: int = 60
    read_timeout: int = 60  # botocore's default: a busy machine may be slow, too


NOTHING_WRONG = Fault("nothing is wrong")
THROTTLED = {"error": {"code": "ThrottlingException", "message": "Rate exceeded"}}
LOST = {"response": {"abort_bytes": 0}}
FAULTS = [
    Fault(
        "every operation is throttled twice, Create 6 times",
        each(*CHANGING, *READING, times=2, **THROTTLED) + each("CreateNotebookInstance", times=4, **THROTTLED),
    ),
    Fault("the connection is reset twice at every operation", each(*CHANGING, *READING, times=2, reset=True)),
    Fault(
        "every operation is answered with 500, then with 503",
        each(*CHANGING, *READING, times=1, error={"code": "InternalFailure", "status": 500})
        + each(*CHANGING, *READING, times=1, error={"code": "ServiceUnavailable", "status": 503}),
    ),
    Fault(
        "the answer comes too late, once at every operation",
        each(*CHANGING, *READING, times=1, latency=2500),
        read_timeout=2,
    ),
    Fault("the answer of every call that changes something is lost once", each(*CHANGING, times=1, **LOST)),
    Fault(
        "all answers of Create are lost, those of its repetitions too",
        each("CreateNotebookInstance", times=8, **LOST),
    ),
    Fault(
        "AWS has no more machines to start",
        each("StartNotebookInstance", times=99, error={"code": "ResourceLimitExceeded", "status": 400}),
    ),
    Fault(
        "Update is refused",
        each("UpdateNotebookInstance", times=99, error={"code": "AccessDeniedException", "status": 400}),
    ),
    Fault(
        "a lifecycle configuration is refused",
        each("CreateNotebookInstanceLifecycleConfig", times=99, error={"code": "ResourceLimitExceeded", "status": 400}),
    ),
    Fault("a start ends Failed", tags={"sandbox:fail": "no capacity"}, on="eve"),
    Fault("an instance never leaves Pending", tags={"sandbox:status": "Pending"}, on="eve", wait_timeout=8),
    Fault("a Start is accepted and forgotten", tags={"sandbox:forget-starts": "1"}, on="eve"),
    Fault(
        "an instance is in PendingMaintenance, for a while",
        tags={"sandbox:status": "PendingMaintenance"},
        on="fay",
        ends_meanwhile=True,
    ),
    Fault(
        "an instance is InMaintenance, for longer than the run waits",
        tags={"sandbox:status": "InMaintenance"},
        on="ada",
        wait_timeout=8,
    ),
]


class Team:
    """The instances of six people, before and after a run, and an unmanaged one."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._sagemaker: SageMakerClient = client(sandbox)

    def prepare(self) -> None:
        """Reset the account, and create the instances that exist before the run."""
        self._sandbox.reset()
        furnish(self._sandbox, "datalab-execution")
        self._sandbox.set_transition_seconds(0)
        self._sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="greeting")
        for person in ("ada", "ben", "cem", "eve", "fay", "zoe"):
            self._sagemaker.create_notebook_instance(
                NotebookInstanceName=f"team-{person}",
                InstanceType="ml.t3.medium",
                RoleArn=ROLE,
                VolumeSizeInGB=20,
                Tags=[{"Key": key, "Value": person} for key in ("owner", "idle", "old")],
            )
        for person in ("ben", "cem", "eve"):
            self._sagemaker.stop_notebook_instance(NotebookInstanceName=f"team-{person}")
        self._created = {name: one["CreationTime"] for name, one in self._instances().items()}
        self._sandbox.set_transition_seconds(SECONDS)
        self._sandbox.reset_calls()

    def tag(self, person: str, tags: dict[str, str]) -> None:
        """Set tags that make the sandbox misbehave."""
        self._sagemaker.add_tags(ResourceArn=self._arn(person), Tags=[{"Key": k, "Value": v} for k, v in tags.items()])

    def untag(self, person: str, tags: dict[str, str]) -> None:
        self._sagemaker.delete_tags(ResourceArn=self._arn(person), TagKeys=list(tags))

    def lacks(self) -> list[str]:
        """Return what differs from the inventory, or was lost on the way, one line each."""
        self._sandbox.set_transition_seconds(0)  # accepted changes are done at once
        found = self._instances()
        wanted = {
            "team-ada": ("InService", "ml.m5.xlarge", 20, {"owner": "ada", "idle": "ada", "old": "ada"}),
            "team-ben": ("Stopped", "ml.t3.medium", 30, {"owner": "ben", "idle": "ben", "team": "fraud"}),
            "team-dan": ("InService", "ml.t3.medium", 5, {"owner": "dan"}),
            "team-eve": ("InService", "ml.t3.medium", 20, {"owner": "eve", "idle": "eve", "old": "eve"}),
            "team-fay": ("Stopped", "ml.t3.medium", 20, {"owner": "fay", "idle": "fay", "old": "fay"}),
            "team-zoe": ("InService", "ml.t3.medium", 20, {"owner": "zoe", "idle": "zoe", "old": "zoe"}),
        }
        is_now = {
            name: (one["NotebookInstanceStatus"], one["InstanceType"], one["VolumeSizeInGB"], self._tags(name))
            for name, one in found.items()
        }
        problems = [
            f"{name}: wanted {wanted.get(name)}, is {is_now.get(name)}"
            for name in sorted(wanted.keys() | is_now.keys())
            if wanted.get(name) != is_now.get(name)
        ]
        problems += [
            f"{name} is another instance than before, with another volume"
            for name, created in self._created.items()
            if name in found and found[name]["CreationTime"] != created
        ]
        configs = self._sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
        names = {config["NotebookInstanceLifecycleConfigName"] for config in configs}
        return problems + ([] if names == {"greeting", "another"} else [f"the lifecycle configurations are {names}"])

    def _instances(self) -> dict[str, Any]:
        listed = [one["NotebookInstanceName"] for one in self._sagemaker.list_notebook_instances()["NotebookInstances"]]
        return {name: self._sagemaker.describe_notebook_instance(NotebookInstanceName=name) for name in listed}

    def _arn(self, person: str) -> str:
        name = f"team-{person}"
        return self._sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceArn"]

    def _tags(self, name: str) -> dict[str, str]:
        tags = self._sagemaker.list_tags(ResourceArn=self._arn(name.removeprefix("team-")))["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] != "datalab:verified"}


@pytest.fixture(scope="module")
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """Provide one sandbox for all tests of this file, each of which begins with an empty account."""
    return module_sandbox


@pytest.fixture(scope="module")
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with proxy_before(sandbox.endpoint) as started:
        yield started


@pytest.fixture
def team(sandbox: Sandbox) -> Team:
    team = Team(sandbox)
    team.prepare()
    return team


@pytest.fixture
def converge(tmp_path: Path) -> Callable[..., FleetRun]:
    """Provide a function that begins a run of the fleet module for six people."""

    def begin(endpoint: str, fault: Fault = NOTHING_WRONG) -> FleetRun:
        how = {"wait_timeout": fault.wait_timeout, "aws_config": {"read_timeout": fault.read_timeout}}
        return FleetRun(tmp_path, {**WANTED, **how, **connection(endpoint)})

    return begin


def outcome(result: dict[str, Any]) -> str:
    """Return how a run ended, and the people whom it names."""
    if not result.get("failed"):
        return "succeeds"
    named = set(re.findall(rf"^ *({'|'.join(PEOPLE)}): ", result["msg"], re.MULTILINE))
    return f"fails, naming {' and '.join(sorted(named))}"


def tell(record: Callable[[str, object], None], *cells: str) -> None:
    """Record a line of the table for the summary of all tests, and check that docs/faults.md has it."""
    line = f"| {' | '.join(cells)} |"
    record("fault", line)
    assert line in TABLE.read_text().splitlines()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(
    fault: Fault,
    sandbox: Sandbox,
    proxy: Proxy,
    team: Team,
    converge: Callable[..., FleetRun],
    record_property: Callable[[str, object], None],
) -> None:
    if fault.on:
        team.tag(fault.on, fault.tags)
    proxy.inject(fault.rules)
    run = converge(proxy.endpoint, fault)
    if fault.ends_meanwhile:
        await_call(sandbox, "sagemaker:CreateNotebookInstance")
        team.untag(fault.on, fault.tags)
    first = run.result()
    print(first, proxy.injected())  # noqa: T201  # shown when the test fails
    assert proxy.injected().keys() == {rule["operation"] for rule in fault.rules}
    if fault.on and not fault.ends_meanwhile:
        team.untag(fault.on, fault.tags)
    proxy.inject([])

    second = converge(proxy.endpoint).result()
    assert outcome(second) == "succeeds", second
    assert team.lacks() == []
    rest = "finishes" if second["changed"] else "has nothing left to do"
    tell(record_property, fault.name, outcome(first), rest)


def await_call(sandbox: Sandbox, call: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while call not in sandbox.calls():
        assert time.monotonic() < deadline, f"no {call} within {seconds} s"
        time.sleep(0.05)


KILLS = 20


@pytest.mark.parametrize("half", [0, 1])
def test_kill(
    half: int,
    sandbox: Sandbox,
    converge: Callable[..., FleetRun],
    record_property: Callable[[str, object], None],
) -> None:
    """A run that is killed with kill -9 after a random number of its 55 or so calls is finished by the next run."""
    team = Team(sandbox)
    for seed in range(half, KILLS, 2):
        team.prepare()
        calls = random.Random(seed).randint(1, 45)  # noqa: S311  # no secret
        process = converge(sandbox.endpoint).process
        while sum(sandbox.calls().values()) < calls and process.is_alive():
            time.sleep(0.005)
        process.kill()
        process.join()
        assert process.exitcode == -9, f"seed {seed}: the run had ended before call {calls}"
        again = converge(sandbox.endpoint).result()
        assert outcome(again) == "succeeds", f"seed {seed}, killed after {calls} calls: {again['msg']}"
        assert team.lacks() == [], f"seed {seed}, killed after {calls} calls"
    tell(record_property, f"kill -9 at a random moment, {KILLS} times", "is cut off", "finishes")


def test_the_table_is_complete() -> None:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[1:]] == [
        *(fault.name for fault in FAULTS),
        f"kill -9 at a random moment, {KILLS} times",
    ]
