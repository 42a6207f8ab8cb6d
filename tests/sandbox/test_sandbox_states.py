# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notebook instances: their states, the transitions between them, and what each state allows."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest
from botocore.exceptions import WaiterError

OPERATIONS = {
    "start_notebook_instance": ("Pending", "[Stopped, Failed]"),
    "stop_notebook_instance": ("Stopping", "[InService]"),
    "update_notebook_instance": ("Updating", "[Stopped, Failed]"),
    "delete_notebook_instance": ("Deleting", "[Stopped, Failed]"),
}
ALLOWED = {
    "InService": {"stop_notebook_instance"},
    "Stopped": {"start_notebook_instance", "update_notebook_instance", "delete_notebook_instance"},
    "Failed": {"start_notebook_instance", "update_notebook_instance", "delete_notebook_instance"},
}
SLOW = 60
FAIL = [{"Key": "sandbox:fail", "Value": "no capacity"}]


@pytest.fixture
def brought_to(sandbox, create, sagemaker):
    """Bring an instance to a status, and let it stay there; return its name."""

    def bring(status):
        create(Tags=FAIL if status == "Failed" else [])
        named = {"NotebookInstanceName": "alice"}
        if status in ("Stopped", "Updating", "Deleting"):
            sagemaker.stop_notebook_instance(**named)
        sandbox.set_transition_seconds(SLOW)
        if status == "Pending":
            create("bob")
            return "bob"
        if status == "Stopping":
            sagemaker.stop_notebook_instance(**named)
        if status == "Updating":
            sagemaker.update_notebook_instance(**named)
        if status == "Deleting":
            sagemaker.delete_notebook_instance(**named)
        return "alice"

    return bring


@pytest.mark.parametrize(
    ("status", "operation"),
    list(
        itertools.product(["Pending", "InService", "Stopping", "Stopped", "Updating", "Failed", "Deleting"], OPERATIONS)
    ),
)
def test_each_status_allows_what_aws_allows(brought_to, sagemaker, describe, refused, status, operation):
    name = brought_to(status)
    before = describe(name)
    assert before["NotebookInstanceStatus"] == status
    goal, needed = OPERATIONS[operation]
    if operation in ALLOWED.get(status, set()):
        getattr(sagemaker, operation)(NotebookInstanceName=name)
        assert describe(name)["NotebookInstanceStatus"] == goal
    else:
        assert refused(getattr(sagemaker, operation), NotebookInstanceName=name) == (
            "ValidationException",
            (
                f"Status ({status}) not in ({needed}). Unable to transition to ({goal}) "
                f"for Notebook Instance ({before['NotebookInstanceArn']})."
            ),
        )
        assert describe(name)["LastModifiedTime"] == before["LastModifiedTime"]


@pytest.mark.parametrize(
    "operation", [*OPERATIONS, "describe_notebook_instance", "create_presigned_notebook_instance_url"]
)
def test_an_instance_that_is_not_there(sagemaker, refused, operation):
    assert refused(getattr(sagemaker, operation), NotebookInstanceName="nobody") == (
        "ValidationException",
        "RecordNotFound",
    )


@pytest.mark.parametrize("by", ["describe", "list"])
def test_a_life(sandbox, create, sagemaker, describe, by):
    named = {"NotebookInstanceName": "alice"}

    def status_by_describe():
        try:
            return describe()["NotebookInstanceStatus"]
        except sagemaker.exceptions.ClientError:
            return None

    def status_by_list():
        instances = sagemaker.list_notebook_instances()["NotebookInstances"]
        return instances[0]["NotebookInstanceStatus"] if instances else None

    status = status_by_describe if by == "describe" else status_by_list
    for operation, passing, end in (
        (lambda **_: create(), "Pending", "InService"),
        (sagemaker.stop_notebook_instance, "Stopping", "Stopped"),
        (sagemaker.update_notebook_instance, "Updating", "Stopped"),
        (sagemaker.start_notebook_instance, "Pending", "InService"),
        (sagemaker.stop_notebook_instance, "Stopping", "Stopped"),
        (sagemaker.delete_notebook_instance, "Deleting", None),
    ):
        sandbox.set_transition_seconds(SLOW)
        operation(**named)
        assert status() == passing
        sandbox.set_transition_seconds(0.001)
        assert status() == end


def test_botocores_waiters_wait_as_long_as_it_takes(sandbox, create, sagemaker):
    seconds = 0.2
    sandbox.set_transition_seconds(seconds)
    named = {"NotebookInstanceName": "alice"}
    for operation, waiter in (
        (lambda **_: create(), "notebook_instance_in_service"),
        (sagemaker.stop_notebook_instance, "notebook_instance_stopped"),
        (sagemaker.delete_notebook_instance, "notebook_instance_deleted"),
    ):
        begin = time.monotonic()
        operation(**named)
        sagemaker.get_waiter(waiter).wait(**named, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
        assert time.monotonic() - begin >= seconds
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []


def test_botocores_waiter_recognises_a_failure(create, sagemaker):
    create(Tags=FAIL)
    with pytest.raises(WaiterError, match="terminal failure state"):
        sagemaker.get_waiter("notebook_instance_in_service").wait(NotebookInstanceName="alice")


def test_the_time_that_transitions_take_can_change_while_they_last(sandbox, create, describe):
    sandbox.set_transition_seconds(SLOW)
    create()
    assert describe()["NotebookInstanceStatus"] == "Pending"
    sandbox.set_transition_seconds(0)
    assert describe()["NotebookInstanceStatus"] == "InService"


def test_the_last_modified_time_is_that_of_the_last_change(sandbox, create, sagemaker, describe, eventually):
    took = 0.25

    def settled(status):
        sandbox.set_transition_seconds(took)
        found = eventually(lambda: (found := describe())["NotebookInstanceStatus"] == status and found)
        sandbox.set_transition_seconds(SLOW)
        return found

    sandbox.set_transition_seconds(SLOW)
    arn = create()
    created = describe()
    assert created["LastModifiedTime"] == created["CreationTime"]
    running = settled("InService")
    assert running["CreationTime"] == created["CreationTime"]
    assert running["LastModifiedTime"] - created["LastModifiedTime"] == timedelta(seconds=took)

    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["k"])
    assert describe()["LastModifiedTime"] == running["LastModifiedTime"]

    sagemaker.stop_notebook_instance(NotebookInstanceName="alice")
    stopping = describe()
    assert stopping["LastModifiedTime"] > running["LastModifiedTime"]
    stopped = settled("Stopped")
    assert stopped["LastModifiedTime"] - stopping["LastModifiedTime"] == timedelta(seconds=took)
    sagemaker.update_notebook_instance(NotebookInstanceName="alice", VolumeSizeInGB=6)
    assert describe()["LastModifiedTime"] > stopped["LastModifiedTime"]
    summary = sagemaker.list_notebook_instances()["NotebookInstances"][0]
    assert summary["LastModifiedTime"] == describe()["LastModifiedTime"]


def test_times_have_milliseconds(create, describe):
    times = []
    for n in range(5):
        create(f"n{n}")
        times.append(describe(f"n{n}")["CreationTime"].microsecond)
    assert all(time % 1000 == 0 for time in times)
    assert any(times)


def test_an_instance_fails_on_demand(sandbox, create, sagemaker, describe):
    sandbox.set_transition_seconds(SLOW)
    arn = create(Tags=FAIL)
    assert describe()["NotebookInstanceStatus"] == "Pending"
    assert "FailureReason" not in describe()
    sandbox.set_transition_seconds(0)
    assert (describe()["NotebookInstanceStatus"], describe()["FailureReason"]) == ("Failed", "no capacity")
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["sandbox:fail"])
    assert describe()["FailureReason"] == "no capacity"
    sagemaker.start_notebook_instance(NotebookInstanceName="alice")
    assert describe()["NotebookInstanceStatus"] == "InService"
    assert "FailureReason" not in describe()


def test_a_failure_without_a_reason_has_one_nevertheless(create, describe):
    create(Tags=[{"Key": "sandbox:fail", "Value": ""}])
    assert (describe()["NotebookInstanceStatus"], describe()["FailureReason"]) == (
        "Failed",
        "The tag sandbox:fail is set.",
    )


@pytest.mark.parametrize("status", ["Pending", "PendingMaintenance", "InMaintenance"])
def test_an_instance_keeps_a_status_on_demand(create, sagemaker, describe, refused, status):
    arn = create(Tags=[{"Key": "sandbox:status", "Value": status}])
    named = {"NotebookInstanceName": "alice"}
    assert describe()["NotebookInstanceStatus"] == status
    assert sagemaker.list_notebook_instances(StatusEquals=status)["NotebookInstances"]
    assert refused(sagemaker.stop_notebook_instance, **named)[1].startswith(f"Status ({status}) not in ([InService])")
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["sandbox:status"])
    assert describe()["NotebookInstanceStatus"] == "InService"
    sagemaker.stop_notebook_instance(**named)


def test_starts_are_forgotten_on_demand(create_stopped, sagemaker, describe):
    create_stopped(Tags=[{"Key": "sandbox:forget-starts", "Value": "2"}])
    before = describe()
    for _ in range(2):
        sagemaker.start_notebook_instance(NotebookInstanceName="alice")
        assert describe() | {"ResponseMetadata": 0} == before | {"ResponseMetadata": 0}
    sagemaker.start_notebook_instance(NotebookInstanceName="alice")
    assert describe()["NotebookInstanceStatus"] == "InService"


def test_an_instance_of_a_retired_platform(create, sagemaker, describe, refused):
    create(Tags=[{"Key": "sandbox:platform", "Value": "notebook-al2-v3"}])
    named = {"NotebookInstanceName": "alice"}
    assert describe()["PlatformIdentifier"] == "notebook-al2-v3"
    sagemaker.stop_notebook_instance(**named)
    assert refused(sagemaker.start_notebook_instance, **named) == (
        "ValidationException",
        "Platform identifier (notebook-al2-v3) is not supported for this service.",
    )
    sagemaker.update_notebook_instance(**named, PlatformIdentifier="notebook-al2023-v1")
    sagemaker.start_notebook_instance(**named)
    assert (describe()["NotebookInstanceStatus"], describe()["PlatformIdentifier"]) == (
        "InService",
        "notebook-al2023-v1",
    )
