# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carrying out plans: the calls for each, in order, as the states of the instances allow them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import converge as module
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import RESTART_TAG
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import Plan, plan
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    MODIFIED,
    NAME,
    ROLE,
    answer,
    arn_of,
    described,
    have,
    summary,
    want,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Current
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

INSTANCE = {"NotebookInstanceName": NAME}
ARN = arn_of(NAME)
LEAST = {"instance_type": "ml.t3.medium", "role_arn": ROLE}
IMDS_2 = {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}}
CREATE = {**INSTANCE, "InstanceType": "ml.t3.medium", "RoleArn": ROLE, **IMDS_2}
BIGGER = {"instance_type": "ml.m5.xlarge"}
UPDATE = {**INSTANCE, "InstanceType": "ml.m5.xlarge"}
MARKED = {RESTART_TAG: "true"}
MARK = {"ResourceArn": ARN, "Tags": [{"Key": RESTART_TAG, "Value": "true"}]}
UNMARK = {"ResourceArn": ARN, "TagKeys": [RESTART_TAG]}


class Clock:
    """A clock that only moves when code sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def converge(sagemaker: Script, *plans: Plan, **options: Any) -> dict[str, str]:
    """Carry out the plans, and return the errors by instance, as text."""
    given = {"wait": True, "wait_timeout": 900, "report": lambda *_state: None, **options}
    errors = module.converge(sagemaker.client, list(plans), **given)
    return {name: str(error) for name, error in errors.items()}


def instance(name: str, status: str) -> Current:
    return described(name=name, status=status)


def stop_of(name: str) -> Plan:
    return plan(want(name=name, state="stopped"), instance(name, "InService"))


# One instance


def test_create(sagemaker: Script) -> None:
    sagemaker.call("create_notebook_instance", CREATE)
    sagemaker.looks(None, "Pending", "InService")
    assert converge(sagemaker, plan(want(**LEAST), None)) == {}


def test_create_stopped(sagemaker: Script) -> None:
    sagemaker.call("create_notebook_instance", CREATE)
    sagemaker.looks("Pending", "InService")
    sagemaker.call("stop_notebook_instance", INSTANCE)
    sagemaker.looks("Stopping", "Stopped")
    assert converge(sagemaker, plan(want(**LEAST, state="stopped"), None)) == {}


def test_create_what_is_being_deleted(sagemaker: Script) -> None:
    sagemaker.looks("Deleting", None)
    sagemaker.call("create_notebook_instance", CREATE)
    sagemaker.looks("Pending", "InService")
    assert converge(sagemaker, plan(want(**LEAST), have("Deleting"))) == {}


def test_update(sagemaker: Script) -> None:
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Updating", "Stopped")
    assert converge(sagemaker, plan(want(**BIGGER), have("Stopped"))) == {}


def test_update_of_what_is_stopping(sagemaker: Script) -> None:
    sagemaker.looks("Stopping", "Stopped")
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Updating", "Stopped")
    assert converge(sagemaker, plan(want(**BIGGER), have("Stopping"))) == {}


def forced_update(sagemaker: Script) -> None:
    """Expect the calls of a forced update, up to its start."""
    sagemaker.call("add_tags", {"ResourceArn": ARN, "Tags": [{"Key": "owner", "Value": "alice"}]}, {"Tags": []})
    sagemaker.call("add_tags", MARK, {"Tags": []})
    sagemaker.call("stop_notebook_instance", INSTANCE)
    sagemaker.looks("Stopping", "Stopped")
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Updating", "Stopped")
    sagemaker.call("start_notebook_instance", INSTANCE)


FORCED_UPDATE = plan(want(**BIGGER, update_policy="force", tags={"owner": "alice"}), have("InService"))


def test_forced_update(sagemaker: Script) -> None:
    forced_update(sagemaker)
    sagemaker.looks("Pending", "InService")
    sagemaker.call("delete_tags", UNMARK)
    assert converge(sagemaker, FORCED_UPDATE) == {}


def test_forced_update_of_what_is_starting(sagemaker: Script) -> None:
    sagemaker.call("add_tags", MARK, {"Tags": []})
    sagemaker.looks("Pending", "InService")
    sagemaker.call("stop_notebook_instance", INSTANCE)
    sagemaker.looks("Stopped")
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Stopped")
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("InService")
    sagemaker.call("delete_tags", UNMARK)
    assert converge(sagemaker, plan(want(**BIGGER, update_policy="force"), have("Pending"))) == {}


def test_forced_update_that_was_cut_off(sagemaker: Script) -> None:
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Stopped")
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Pending", "InService")
    sagemaker.call("delete_tags", UNMARK)
    assert converge(sagemaker, plan(want(**BIGGER), have("Stopped", own_tags=MARKED))) == {}


def test_delete(sagemaker: Script) -> None:
    sagemaker.call("delete_notebook_instance", INSTANCE)
    sagemaker.looks("Deleting", None)
    assert converge(sagemaker, plan(want(state="absent"), have("Failed"))) == {}


def test_delete_what_is_running(sagemaker: Script) -> None:
    sagemaker.call("stop_notebook_instance", INSTANCE)
    sagemaker.looks("Stopping", "Stopped")
    sagemaker.call("delete_notebook_instance", INSTANCE)
    sagemaker.looks("Deleting", None)
    assert converge(sagemaker, plan(want(state="absent", force=True), have("InService"))) == {}


def test_tags_need_no_waiting(sagemaker: Script, clock: Clock) -> None:
    sagemaker.call("add_tags", {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "1"}]}, {"Tags": []})
    sagemaker.call("delete_tags", {"ResourceArn": ARN, "TagKeys": ["b"]})
    assert converge(sagemaker, plan(want(tags={"a": "1"}), have("Pending", tags={"b": "2"}))) == {}
    assert clock.slept == []


@pytest.mark.parametrize(
    ("state", "found", "looks"),
    [
        ("started", "Pending", ["Pending", "InService"]),
        ("stopped", "Stopping", ["Stopping", "Stopped"]),
        ("absent", "Deleting", ["Deleting", None]),
    ],
)
def test_waits_for_what_is_on_its_way(sagemaker: Script, state: Any, found: str, looks: list[str | None]) -> None:
    sagemaker.looks(*looks)
    assert converge(sagemaker, plan(want(state=state), have(found))) == {}


@pytest.mark.parametrize(
    ("state", "found", "looks"),
    [
        ("started", "Updating", ["Updating", "InService"]),
        ("stopped", "Pending", ["Pending", "Stopped"]),
        ("absent", "Stopping", ["Stopping", None]),
    ],
)
def test_somebody_else_was_faster(sagemaker: Script, state: Any, found: str, looks: list[str | None]) -> None:
    sagemaker.looks(*looks)
    assert converge(sagemaker, plan(want(state=state, force=True), have(found))) == {}


def test_nothing_to_do(sagemaker: Script, clock: Clock) -> None:
    assert converge(sagemaker, plan(want(), have("InService"))) == {}
    assert clock.slept == []


def test_looks_less_often_as_time_goes_by(sagemaker: Script, clock: Clock) -> None:
    sagemaker.looks(*["Pending"] * 19, "InService")
    assert converge(sagemaker, plan(want(state="started"), have("Pending"))) == {}
    assert clock.slept[:3] == [0.25, 0.3125, 0.390625]
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == module.LONGEST_DELAY


# Without waiting


def test_no_wait_returns_after_the_last_call(sagemaker: Script, clock: Clock) -> None:
    sagemaker.call("start_notebook_instance", INSTANCE)
    assert converge(sagemaker, plan(want(state="started"), have("Stopped")), wait=False) == {}
    assert clock.slept == []


def test_no_wait_waits_between_the_calls(sagemaker: Script) -> None:
    forced_update(sagemaker)
    sagemaker.call("delete_tags", UNMARK)
    assert converge(sagemaker, FORCED_UPDATE, wait=False) == {}


def test_no_wait_sees_a_deletion_to_its_end_before_a_creation(sagemaker: Script) -> None:
    sagemaker.looks("Deleting", None)
    sagemaker.call("create_notebook_instance", CREATE)
    assert converge(sagemaker, plan(want(**LEAST), have("Deleting")), wait=False) == {}


@pytest.mark.parametrize(("state", "status"), [("started", "Pending"), ("stopped", "Stopping"), ("absent", "Deleting")])
def test_no_wait_for_what_is_on_its_way(sagemaker: Script, state: Any, status: str) -> None:
    assert converge(sagemaker, plan(want(state=state), have(status)), wait=False) == {}


# Failures


def test_failed_start(sagemaker: Script) -> None:
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Pending", "Failed")
    why = {"FailureReason": "the on-start script took too long"}
    sagemaker.call("describe_notebook_instance", INSTANCE, answer(status="Failed", **why))
    errors = converge(sagemaker, plan(want(state="started"), have("Stopped")))
    assert errors == {NAME: f"{NAME} is Failed: the on-start script took too long"}


@pytest.mark.parametrize(
    ("state", "found", "looks"),
    [("started", "Pending", ["Failed"]), ("present", None, ["Pending", "Failed"]), ("absent", "Stopped", ["Failed"])],
)
def test_failed_for_no_reason(sagemaker: Script, state: Any, found: str | None, looks: list[str]) -> None:
    call = {None: "create_notebook_instance", "Stopped": "delete_notebook_instance"}.get(found)
    if call:
        sagemaker.call(call, INSTANCE if found else CREATE)
    sagemaker.looks(*looks, "Failed")
    made = plan(want(state=state, **LEAST), have(found) if found else None)
    assert converge(sagemaker, made) == {NAME: f"{NAME} is Failed: AWS gives no reason"}


def test_a_failed_instance_can_be_started(sagemaker: Script) -> None:
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Failed", "Pending", "InService")
    assert converge(sagemaker, plan(want(state="started"), have("Failed"))) == {}


def test_a_failed_instance_fails_again(sagemaker: Script) -> None:
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Pending", "Failed", "Failed")
    errors = converge(sagemaker, plan(want(state="started"), have("Failed")), wait_timeout=1)
    assert errors == {NAME: f"{NAME} is Failed: AWS gives no reason"}


def test_stop_of_what_fails_to_start(sagemaker: Script) -> None:
    sagemaker.looks("Failed")
    assert converge(sagemaker, plan(want(state="stopped"), have("Pending"))) == {}


def test_deletion_of_what_fails_to_start(sagemaker: Script) -> None:
    sagemaker.looks("Failed")
    sagemaker.call("delete_notebook_instance", INSTANCE)
    sagemaker.looks("Deleting", None)
    assert converge(sagemaker, plan(want(state="absent", force=True), have("Pending"))) == {}


def test_forced_update_of_what_fails_to_start(sagemaker: Script) -> None:
    sagemaker.call("add_tags", MARK, {"Tags": []})
    sagemaker.looks("Failed")
    sagemaker.call("update_notebook_instance", UPDATE)
    sagemaker.looks("Updating", "Stopped")
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Pending", "InService")
    sagemaker.call("delete_tags", UNMARK)
    assert converge(sagemaker, plan(want(**BIGGER, update_policy="force"), have("Pending"))) == {}


def test_refused_call(sagemaker: Script) -> None:
    sagemaker.refuse("start_notebook_instance", INSTANCE, "ResourceLimitExceeded", "no more than 2 instances")
    errors = converge(sagemaker, plan(want(state="started"), have("Stopped")))
    assert list(errors) == [NAME]
    assert "no more than 2 instances" in errors[NAME]


def test_refused_call_is_the_last(sagemaker: Script) -> None:
    sagemaker.call("add_tags", MARK, {"Tags": []})
    sagemaker.refuse("stop_notebook_instance", INSTANCE, "AccessDeniedException", "not you")
    errors = converge(sagemaker, plan(want(**BIGGER, update_policy="force"), have("InService")))
    assert "not you" in errors[NAME]


# A Start that AWS accepts but does not carry out


def test_start_is_sent_again(sagemaker: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESEND_AFTER", 1)
    for looks in (["Stopped"] * 4, ["Stopped"] * 2):  # reads after 0.25, 0.6, 1.0, 1.4, and 2.1, 2.8 seconds
        sagemaker.call("start_notebook_instance", INSTANCE)
        sagemaker.looks(*looks)
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Pending", "Pending", "InService")
    assert converge(sagemaker, plan(want(state="started"), have("Stopped"))) == {}


def test_other_calls_are_not_sent_again(sagemaker: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESEND_AFTER", 0.5)
    sagemaker.call("stop_notebook_instance", INSTANCE)
    sagemaker.looks("InService", "InService", "InService", "Stopped")
    assert converge(sagemaker, plan(want(state="stopped"), have("InService"))) == {}


def test_start_is_not_sent_again_too_soon(sagemaker: Script, clock: Clock) -> None:
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks(*["Stopped"] * 10, "InService")
    assert converge(sagemaker, plan(want(state="started"), have("Stopped"))) == {}
    assert sum(clock.slept[:10]) < module.RESEND_AFTER < sum(clock.slept)


# A call that fails although it has worked: its answer was lost, or another run was faster

STATUS_REFUSED = "Status (Updating) not in ([Stopped, Failed])"


def lost(sagemaker: Script, operation: str, params: dict[str, Any], current: Current | None) -> None:
    """Expect a call that is refused, and a read that returns `current`."""
    sagemaker.refuse(operation, params, "ValidationException", STATUS_REFUSED)
    if current is None:
        sagemaker.looks(None)
        return
    sagemaker.call("describe_notebook_instance", INSTANCE, dict(current.described or {}))
    if operation == "create_notebook_instance":
        listed = [{"Key": key, "Value": value} for key, value in current.tags.items()]
        sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": listed})


def tagged(**tags: str) -> dict[str, Any]:
    return {**CREATE, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_the_answer_of_create_is_lost(sagemaker: Script) -> None:
    lost(sagemaker, "create_notebook_instance", tagged(owner="alice"), described({"owner": "alice"}, status="Pending"))
    sagemaker.looks("Pending", "InService")
    assert converge(sagemaker, plan(want(**LEAST, tags={"owner": "alice"}), None)) == {}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(None, id="nothing"),
        pytest.param(described({"owner": "bob"}), id="somebody else's tags"),
        pytest.param(described({"owner": "alice"}, InstanceType="ml.p3.2xlarge"), id="another type"),
        pytest.param(described({"owner": "alice"}, status="Stopping"), id="a state that is not on the way"),
    ],
)
def test_an_instance_with_other_settings_is_not_adopted(sagemaker: Script, found: Current | None) -> None:
    lost(sagemaker, "create_notebook_instance", tagged(owner="alice"), found)
    errors = converge(sagemaker, plan(want(**LEAST, tags={"owner": "alice"}), None))
    assert STATUS_REFUSED in errors[NAME]


@pytest.mark.parametrize("status", ["Updating", "Stopped"])
def test_the_answer_of_update_is_lost(sagemaker: Script, status: str) -> None:
    lost(sagemaker, "update_notebook_instance", UPDATE, described(status=status, InstanceType="ml.m5.xlarge"))
    sagemaker.looks("Stopped")
    assert converge(sagemaker, plan(want(**BIGGER), have("Stopped"))) == {}


def test_an_update_of_somebody_else_is_not_ours(sagemaker: Script) -> None:
    lost(sagemaker, "update_notebook_instance", UPDATE, described(status="Updating"))
    assert STATUS_REFUSED in converge(sagemaker, plan(want(**BIGGER), have("Stopped")))[NAME]


@pytest.mark.parametrize(
    ("state", "found", "operation", "shown", "looks"),
    [
        ("started", "Stopped", "start_notebook_instance", "Pending", ["InService"]),
        ("stopped", "InService", "stop_notebook_instance", "Stopping", ["Stopped"]),
        ("absent", "Stopped", "delete_notebook_instance", "Deleting", [None]),
    ],
)
def test_the_answer_of_others_is_lost(
    sagemaker: Script, state: Any, found: str, operation: str, shown: str, looks: list[str | None]
) -> None:
    lost(sagemaker, operation, INSTANCE, described(status=shown))
    sagemaker.looks(*looks)
    assert converge(sagemaker, plan(want(state=state), have(found))) == {}


def test_a_refusal_is_told_where_nothing_can_be_seen(sagemaker: Script) -> None:
    sagemaker.refuse("stop_notebook_instance", INSTANCE, "AccessDeniedException", "not you")
    sagemaker.refuse("describe_notebook_instance", INSTANCE, "AccessDeniedException", "nor that")
    errors = converge(sagemaker, plan(want(state="stopped"), have("InService")))
    assert "not you" in errors[NAME]


def test_a_start_that_fails_between_two_looks(sagemaker: Script) -> None:
    later: dict[str, Any] = {"LastModifiedTime": MODIFIED + timedelta(seconds=1), "FailureReason": "no capacity"}
    sagemaker.call("start_notebook_instance", INSTANCE)
    sagemaker.looks("Failed")
    for _ in range(2):
        sagemaker.call("describe_notebook_instance", INSTANCE, answer(status="Failed", **later))
    errors = converge(sagemaker, plan(want(state="started"), have("Failed")))
    assert errors == {NAME: f"{NAME} is Failed: no capacity"}


# Many instances

pytestmark = pytest.mark.usefixtures("one_at_a_time")


def stop(sagemaker: Script, name: str) -> None:
    sagemaker.call("stop_notebook_instance", {"NotebookInstanceName": name})


def test_timeout_names_who_is_late_and_the_others_arrive(sagemaker: Script) -> None:
    for name in ("a", "b", "c"):
        stop(sagemaker, name)
    for name, status in [("a", "Stopped"), ("b", "Stopping"), ("c", "Stopping"), ("b", "Stopping"), ("c", "Stopped")]:
        sagemaker.looks(status, name=name)
    for _ in range(2):
        sagemaker.looks("Stopping", name="b")
    errors = converge(sagemaker, *(stop_of(name) for name in "abc"), wait_timeout=1)
    assert errors == {"b": "b is still Stopping after 1 s (wait_timeout), on the way to: stop"}


def test_timeout_on_the_way_to_the_next_step(sagemaker: Script) -> None:
    sagemaker.looks("Pending")
    errors = converge(sagemaker, plan(want(state="started"), have("Pending")), wait_timeout=0.2)
    assert errors == {NAME: f"{NAME} is still Pending after 0 s (wait_timeout), on the way to: await running"}


def test_one_that_fails_does_not_stop_the_others(sagemaker: Script) -> None:
    stop(sagemaker, "a")
    sagemaker.refuse("stop_notebook_instance", {"NotebookInstanceName": "b"}, "AccessDeniedException", "not you")
    stop(sagemaker, "c")
    sagemaker.looks("Stopped", name="a")
    sagemaker.looks("Stopped", name="c")
    errors = converge(sagemaker, *(stop_of(name) for name in "abc"))
    assert list(errors) == ["b"]
    assert "not you" in errors["b"]


def test_one_that_cannot_be_looked_at_does_not_stop_the_others(sagemaker: Script) -> None:
    stop(sagemaker, "a")
    stop(sagemaker, "b")
    params = {"NotebookInstanceName": "a"}
    sagemaker.refuse("describe_notebook_instance", params, "AccessDeniedException", "not you")
    sagemaker.looks("Stopped", name="b")
    assert list(converge(sagemaker, *(stop_of(name) for name in "ab"))) == ["a"]


def lists(sagemaker: Script, statuses: dict[str, str]) -> None:
    summaries = [summary(name, status) for name, status in statuses.items()]
    sagemaker.call("list_notebook_instances", {"MaxResults": 100}, {"NotebookInstances": summaries})


def test_more_than_ten_are_listed(sagemaker: Script) -> None:
    names = [f"n{number}" for number in range(11)]
    for name in names:
        stop(sagemaker, name)
    lists(sagemaker, {"somebody-elses": "Failed", **dict.fromkeys(names, "Stopping")})
    lists(sagemaker, {**dict.fromkeys(names, "Stopped"), "n3": "Stopping"})
    sagemaker.looks("Stopped", name="n3")
    assert converge(sagemaker, *map(stop_of, names)) == {}


def test_a_list_that_fails_is_told_of_each_that_is_waited_for(sagemaker: Script) -> None:
    names = [f"n{number}" for number in range(11)]
    for name in names:
        stop(sagemaker, name)
    sagemaker.refuse("list_notebook_instances", {"MaxResults": 100}, "AccessDeniedException", "not you")
    errors = converge(sagemaker, *map(stop_of, names))
    assert set(errors) == set(names)
    assert all("not you" in str(error) for error in errors.values())


def test_one_that_the_list_lacks_is_gone(sagemaker: Script) -> None:
    names = [f"n{number}" for number in range(11)]
    for name in names:
        sagemaker.call("delete_notebook_instance", {"NotebookInstanceName": name})
    lists(sagemaker, dict.fromkeys(names[1:], "Deleting"))
    for name in names[1:]:
        sagemaker.looks(None, name=name)
    plans = [plan(want(name=name, state="absent"), instance(name, "Stopped")) for name in names]
    assert converge(sagemaker, *plans) == {}


def test_reports_what_it_waits_for(sagemaker: Script) -> None:
    for name in ("a", "b"):
        stop(sagemaker, name)
    sagemaker.looks("Stopping", name="a")
    sagemaker.looks("Stopped", name="b")
    sagemaker.looks("Stopped", name="a")
    told: list[Any] = []
    idle = plan(want(name="c"), instance("c", "InService"))
    converge(sagemaker, stop_of("a"), stop_of("b"), idle, report=lambda *state: told.append(state))
    assert told == [(Counter(InService=2), 3, 0.0), (Counter(Stopping=1), 3, 0.25)]
