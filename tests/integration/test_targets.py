# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the tests of the modules, which are tasks under targets/, and test what tasks cannot see."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.tests.tools.account import make_network
from sandbox import Sandbox

from .conftest import READABLE, PlaybookRunner, Played, changing, client, furnish, kill_with_children

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

HERE = Path(__file__).parent
TARGETS = sorted(path.name for path in (HERE / "targets").iterdir())
FLEET = "sagemaker_notebook_fleet"
NOWHERE = "http://127.0.0.1:9"


def target_arguments(target: str, endpoint: str, tasks: str = "main", **variables: Any) -> list[str]:
    given = {"target": target, "endpoint_url": endpoint, "tasks_from": tasks, **variables}
    return ["-e", json.dumps(given)]


@pytest.fixture
def run_target(playbook: PlaybookRunner) -> Callable[..., Played]:
    """Provide a function that runs tasks of a target, which have to succeed unless `check` is false."""

    def run(
        target: str, endpoint: str, tasks: str = "main", *arguments: str, check: bool = True, **variables: Any
    ) -> Played:
        options = [*target_arguments(target, endpoint, tasks, **variables), *arguments]
        return playbook(HERE / "run_target.yml", *options, check=check, environment=READABLE)

    return run


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """Provide an account with the roles that the targets name."""
    furnish(sandbox, "datalab-execution", "datalab-execution-2", "another")
    return sandbox


@pytest.mark.parametrize("target", TARGETS)
def test_target(target: str, sandbox: Sandbox, run_target: Callable[..., Played]) -> None:
    subnet, groups = make_network(client(sandbox, "ec2"), groups=2)
    key = client(sandbox, "kms").create_key()["KeyMetadata"]["KeyId"]
    sandbox.reset_calls()
    account = {"subnet_id": subnet, "security_group_ids": groups, "kms_key_id": key}
    run_target(target, sandbox.endpoint, account=account)


def test_a_table_is_printed_whatever_the_callback(playbook: PlaybookRunner) -> None:
    options = target_arguments("table", NOWHERE)
    callback = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl"}
    played = playbook(HERE / "run_target.yml", *options, check=True, environment=callback)
    printed = [line for line in played.stdout.splitlines() if not line.startswith("{")]
    assert printed[:3] == [
        "owner         type          idle",
        "------------  ------------  ----",
        "alice         ml.t3.medium  7200",
    ]


def test_a_missing_option_is_reported_in_one_sentence(run_target: Callable[..., Played]) -> None:
    run_target(FLEET, NOWHERE, "no_credentials", aws={})


def test_a_password_that_was_given_by_mistake_is_not_shown(sandbox: Sandbox, run_target: Callable[..., Played]) -> None:
    shown = {"ansible_inject_invocation": True}  # the default up to ansible-core 2.20
    played = run_target("sagemaker_code_repository", sandbox.endpoint, "refused", "-vvv", **shown)
    assert "branch: my branch" in played.stdout  # the arguments of the module are shown
    assert not re.search("hunter2|correct-horse", played.stdout + played.stderr)


class TestTwelvePeople:
    """A fleet that is large enough to be read with lists."""

    @pytest.fixture
    def converge(
        self, sandbox: Sandbox, sagemaker: SageMakerClient, run_target: Callable[..., Played]
    ) -> Callable[..., Played]:
        sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="greeting")

        def run(*arguments: str, **variables: Any) -> Played:
            sandbox.reset_calls()
            return run_target(FLEET, sandbox.endpoint, "twelve", *arguments, **variables)

        return run

    def test_a_converged_fleet_costs_one_page_each(self, sandbox: Sandbox, converge: Callable[..., Played]) -> None:
        predicted = converge("--check")
        assert predicted.recap["localhost"]["changed"] == 1
        assert not changing(sandbox)
        created = converge()
        assert created.recap["localhost"]["changed"] == 1
        assert sandbox.calls()["sagemaker:CreateNotebookInstance"] == 12
        again = converge()
        assert again.recap["localhost"]["changed"] == 0
        assert sandbox.calls() == {"sagemaker:ListNotebookInstances": 1, "resourcegroupstaggingapi:GetResources": 1}

    def test_changes_by_others_are_seen(
        self, sandbox: Sandbox, sagemaker: SageMakerClient, converge: Callable[..., Played]
    ) -> None:
        converge()
        for name in ("ada", "ben", "cem", "dan"):
            sagemaker.stop_notebook_instance(NotebookInstanceName=f"team-{name}")
            await_status(sagemaker, f"team-{name}", "Stopped")
        change = sagemaker.update_notebook_instance
        change(NotebookInstanceName="team-ada", RoleArn="arn:aws:iam::123456789012:role/another")
        change(NotebookInstanceName="team-ben", DisassociateLifecycleConfig=True)
        change(NotebookInstanceName="team-cem", InstanceType="ml.m5.24xlarge")
        for name in ("ada", "ben", "cem"):
            await_status(sagemaker, f"team-{name}", "Stopped")
        sagemaker.delete_notebook_instance(NotebookInstanceName="team-dan")
        eve = describe(sagemaker, "team-eve")["NotebookInstanceArn"]
        sagemaker.add_tags(ResourceArn=eve, Tags=[{"Key": "team", "Value": "other"}, {"Key": "more", "Value": "1"}])

        repaired = converge()
        assert repaired.recap["localhost"]["changed"] == 1
        assert describe(sagemaker, "team-ada")["RoleArn"].endswith("role/datalab-execution")
        assert describe(sagemaker, "team-ben")["NotebookInstanceLifecycleConfigName"] == "greeting"
        assert describe(sagemaker, "team-cem")["InstanceType"] == "ml.t3.medium"
        assert describe(sagemaker, "team-dan")["NotebookInstanceStatus"] == "InService"
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=eve)["Tags"]}
        assert (tags["team"], "more" in tags) == ("research", False)
        assert sandbox.calls()["sagemaker:UpdateNotebookInstance"] == 3
        assert sandbox.calls()["sagemaker:CreateNotebookInstance"] == 1

    def test_a_volume_that_somebody_else_let_grow(
        self, sandbox: Sandbox, sagemaker: SageMakerClient, converge: Callable[..., Played]
    ) -> None:
        converge(volume=20)
        sagemaker.stop_notebook_instance(NotebookInstanceName="team-ada")
        await_status(sagemaker, "team-ada", "Stopped")
        sagemaker.update_notebook_instance(NotebookInstanceName="team-ada", VolumeSizeInGB=30)
        await_status(sagemaker, "team-ada", "Stopped")

        refused = converge(volume=20, check=False)
        assert refused.returncode == 2
        assert "ada: notebook_volume_size_in_gb: a volume cannot shrink from 30 to 20 GiB" in refused.stdout
        assert not changing(sandbox)
        converge(volume=40)
        assert describe(sagemaker, "team-ada")["VolumeSizeInGB"] == 40
        assert describe(sagemaker, "team-ben")["VolumeSizeInGB"] == 20  # it runs, so its change is pending


@pytest.mark.parametrize("interrupted_while", ["Stopping", "Updating", "Pending"])
def test_an_interrupted_run_is_made_good_by_the_next(
    interrupted_while: str,
    sandbox: Sandbox,
    sagemaker: SageMakerClient,
    playbook: PlaybookRunner,
    run_target: Callable[..., Played],
) -> None:
    names = ["team-ada", "team-ben"]
    run_target(FLEET, sandbox.endpoint, "forced", type="ml.t3.medium")
    sandbox.set_transition_seconds(3)
    options = target_arguments(FLEET, sandbox.endpoint, "forced", type="ml.m5.xlarge")
    process = playbook.begin(HERE / "run_target.yml", *options)
    try:
        for name in names:
            await_status(sagemaker, name, interrupted_while)
    finally:
        kill_with_children(process)
    assert process.wait() == -signal.SIGKILL
    sandbox.set_transition_seconds(0.2)
    arn = describe(sagemaker, names[0])["NotebookInstanceArn"]
    assert "datalab:restart" in {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    run_target(FLEET, sandbox.endpoint, "forced", type="ml.m5.xlarge")
    for name in names:
        instance = describe(sagemaker, name)
        assert (instance["InstanceType"], instance["NotebookInstanceStatus"]) == ("ml.m5.xlarge", "InService")
        tags = sagemaker.list_tags(ResourceArn=instance["NotebookInstanceArn"])["Tags"]
        assert "datalab:restart" not in {tag["Key"] for tag in tags}


def test_a_long_wait_shows_its_progress(sandbox: Sandbox, sagemaker: SageMakerClient, playbook: PlaybookRunner) -> None:
    sandbox.set_transition_seconds(30)
    options = target_arguments(FLEET, sandbox.endpoint, "forced", type="ml.t3.medium")
    at_once = {"PYTHONUNBUFFERED": "1"}  # as on a terminal; Ansible's output to a pipe is buffered
    process = playbook.begin(HERE / "run_target.yml", *options, environment=at_once)
    assert process.stdout
    try:
        line = next((line for line in process.stdout if "instances are there after" in line), "no line")
        assert line.strip().startswith("0 of 2 instances are there after 1")
        assert line.strip().endswith("s; 2 Pending")
        assert describe(sagemaker, "team-ada")["NotebookInstanceStatus"] == "Pending"  # the line came during the wait
    finally:
        kill_with_children(process)
        process.communicate()


def describe(sagemaker: SageMakerClient, name: str) -> dict[str, Any]:
    return dict(sagemaker.describe_notebook_instance(NotebookInstanceName=name))


def await_status(sagemaker: SageMakerClient, name: str, status: str, seconds: float = 60) -> None:
    """Wait until the instance is in this state."""
    deadline = time.monotonic() + seconds
    while describe(sagemaker, name)["NotebookInstanceStatus"] != status:
        assert time.monotonic() < deadline, f"{name} was not {status} within {seconds} s"
        time.sleep(0.1)
