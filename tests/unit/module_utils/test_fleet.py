# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading many instances with few calls, and reporting the outcome of each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import (
    Clients,
    mark_verified,
    outcome,
    read_account,
    read_again,
    read_fleet,
    read_instance,
    unmanaged,
    unverified,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import VERIFIED_TAG
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import (
    CREATED_WITH,
    Plan,
    make_plans,
    plan,
)
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    MODIFIED,
    NAME,
    ROLE,
    SETTINGS,
    arn_of,
    as_list,
    described,
    summary,
    want,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Current, Desired
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

pytestmark = pytest.mark.usefixtures("one_at_a_time")

LATER = MODIFIED + timedelta(seconds=1)
NAMES = [f"datalab-{number:03}" for number in range(150)]


def wants(names: list[str], **more: Any) -> list[Desired]:
    return [want(name=name, owner=name, tags={"owner": name}, **{**SETTINGS, **more}) for name in names]


def lists(
    sagemaker: Script, tagging: Script, instances: list[Desired], seals: dict[str, str | None], **more: dict[str, Any]
) -> None:
    """Expect a read of the account next, 100 a page. `seals` and `more` give by name what differs from a verified one.

    An instance whose seal is None has no tags at all, and so is missing from GetResources.
    """
    summaries = [summary(each.name, **more.get(each.name, {})) for each in instances]
    seal = described().seal(instances[0])
    tags = {each.name: {"owner": each.name, VERIFIED_TAG: seals.get(each.name, seal)} for each in instances}
    mappings = [
        {"ResourceARN": arn_of(name), "Tags": as_list(has)}
        for name, has in tags.items()
        if has[VERIFIED_TAG] is not None
    ]
    params: dict[str, Any] = {"ResourceTypeFilters": ["sagemaker:notebook-instance"], "ResourcesPerPage": 100}
    tagging.call("get_resources", params, {"ResourceTagMappingList": mappings[:100], "PaginationToken": "more"})
    tagging.call("get_resources", {**params, "PaginationToken": "more"}, {"ResourceTagMappingList": mappings[100:]})
    params = {"MaxResults": 100}
    sagemaker.call("list_notebook_instances", params, {"NotebookInstances": summaries[:100], "NextToken": "more"})
    sagemaker.call("list_notebook_instances", {**params, "NextToken": "more"}, {"NotebookInstances": summaries[100:]})


def read(sagemaker: Script, tagging: Script, instances: list[Desired]) -> list[Any]:
    account = read_account(Clients(sagemaker.client, tagging.client)) if len(instances) > 10 else None
    return read_fleet(sagemaker.client, instances, account)


def steps_of(pairs: list[tuple[Desired, Current | None]]) -> dict[str, tuple[Any, ...]]:
    """Return the steps that are left to do, by instance."""
    plans = [plan(desired, current) for desired, current in pairs]
    return {made.desired.name: made.steps for made in plans if made.steps}


# Reading


def test_reads_one(sagemaker: Script) -> None:
    sagemaker.reads(NAME, {"owner": "alice"}, VolumeSizeInGB=50)
    current = read_instance(sagemaker.client, NAME)
    assert current is not None
    assert (current.name, current.fields["volume_size_in_gb"], current.tags) == (NAME, 50, {"owner": "alice"})


def test_reads_none(sagemaker: Script) -> None:
    sagemaker.looks(None)
    assert read_instance(sagemaker.client, NAME) is None


def test_describes_ten(sagemaker: Script, tagging: Script) -> None:
    names = NAMES[:10]
    for name in names[:9]:
        sagemaker.reads(name)
    sagemaker.looks(None, name=names[9])
    pairs = read(sagemaker, tagging, wants(names))
    assert [desired.name for desired, _current in pairs] == names
    assert [current and current.name for _desired, current in pairs] == [*names[:9], None]


def test_tells_who_is_nobodys(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {}, **{NAMES[3]: {"NotebookInstanceStatus": "Stopped"}})
    account = read_account(Clients(sagemaker.client, tagging.client))
    assert unmanaged(account, set(NAMES) - {NAMES[3]}) == [
        {
            "name": NAMES[3],
            "status": "Stopped",
            "instance_type": "ml.t3.medium",
            "lifecycle_config_name": None,
            "tags": {"owner": NAMES[3]},
        }
    ]


def test_describes_none_that_was_verified(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {})
    pairs = read(sagemaker, tagging, instances)
    assert [(desired, current and current.name) for desired, current in pairs] == [
        (each, each.name) for each in instances
    ]
    assert steps_of(pairs) == {}


def test_describes_what_was_modified(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {}, **{NAMES[120]: {"LastModifiedTime": LATER}})
    sagemaker.reads(NAMES[120], {"owner": NAMES[120]}, VolumeSizeInGB=5, NotebookInstanceStatus="Stopped")
    steps = steps_of(read(sagemaker, tagging, instances))
    assert {name: [step.params for step in made] for name, made in steps.items()} == {
        NAMES[120]: [{"VolumeSizeInGB": 20}]
    }


@pytest.mark.parametrize("seal", [None, "something else"])
def test_describes_what_was_not_verified(sagemaker: Script, tagging: Script, seal: str | None) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {NAMES[7]: seal})
    sagemaker.reads(NAMES[7], {"owner": NAMES[7]})
    assert steps_of(read(sagemaker, tagging, instances)) == {}


def test_describes_what_has_to_change(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {}, **{NAMES[7]: {"status": "Stopped", "InstanceType": "ml.m5.xlarge"}})
    sagemaker.reads(NAMES[7], {"owner": NAMES[7]}, status="Stopped", InstanceType="ml.m5.xlarge")
    assert list(steps_of(read(sagemaker, tagging, instances))) == [NAMES[7]]


def test_describes_what_has_other_tags(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {})
    instances[7] = want(name=NAMES[7], owner=NAMES[7], tags={"owner": NAMES[7], "team": "fraud"}, **SETTINGS)
    sagemaker.reads(NAMES[7], {"owner": NAMES[7]})
    assert list(steps_of(read(sagemaker, tagging, instances))) == [NAMES[7]]


def test_describes_what_cannot_be_planned(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {})
    instances[7] = want(name=NAMES[7], state="absent", **SETTINGS)
    sagemaker.reads(NAMES[7])
    _desired, current = read(sagemaker, tagging, instances)[7]
    assert current is not None
    assert current.described


def test_does_not_describe_what_waits_for_a_stop(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES, instance_type="ml.m5.xlarge")
    lists(sagemaker, tagging, instances, {})
    pairs = read(sagemaker, tagging, instances)
    assert all(plan(desired, current).pending for desired, current in pairs)


def test_does_not_describe_what_is_not_there(sagemaker: Script, tagging: Script) -> None:
    instances = wants([*NAMES, "datalab-new"])
    lists(sagemaker, tagging, instances[:150], {})
    pairs = read(sagemaker, tagging, instances)
    assert pairs[150] == (instances[150], None)
    assert steps_of(pairs).keys() == {"datalab-new"}


@pytest.mark.parametrize("operation", ["describe_notebook_instance", "list_tags"])
def test_one_that_cannot_be_read_does_not_hide_the_others(sagemaker: Script, tagging: Script, operation: str) -> None:
    if operation == "list_tags":
        sagemaker.looks("Stopped", name="a")
    params = {"NotebookInstanceName": "a"} if operation != "list_tags" else {"ResourceArn": arn_of("a")}
    sagemaker.refuse(operation, params, "AccessDeniedException", "not you")
    sagemaker.reads("b", {"owner": "b"})
    plans, refused = make_plans(read(sagemaker, tagging, wants(["a", "b"])))
    assert "not you" in str(refused["a"])
    outcomes = [outcome(made, made.current, refused.get(made.desired.name), True) for made in plans]
    assert [(each["status"], each["failed"], each["changed"]) for each in outcomes] == [
        ("unknown", True, False),
        ("InService", False, False),
    ]


def test_one_whose_deletion_ends_while_it_is_read_is_gone(sagemaker: Script, tagging: Script) -> None:
    """The next run after a killed one may read such an instance."""
    sagemaker.looks("Deleting", name="a")
    sagemaker.refuse("list_tags", {"ResourceArn": arn_of("a")}, "ValidationException", "RecordNotFound")
    (wanted,) = wants(["a"], state="absent")
    pairs = read(sagemaker, tagging, [wanted])
    assert pairs == [(wanted, None)]
    assert steps_of(pairs) == {}


def test_one_of_many_that_cannot_be_read_does_not_hide_the_others(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {NAMES[7]: None})
    params = {"NotebookInstanceName": NAMES[7]}
    sagemaker.refuse("describe_notebook_instance", params, "AccessDeniedException", "not you")
    plans, refused = make_plans(read(sagemaker, tagging, instances))
    assert list(refused) == [NAMES[7]]
    assert not any(made.steps for made in plans)


def test_an_unreachable_aws_is_reported_once(monkeypatch: pytest.MonkeyPatch, sagemaker: Script) -> None:
    def nowhere(**_params: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    monkeypatch.setattr(sagemaker.client, "describe_notebook_instance", nowhere)
    with pytest.raises(NotebookError, match="Check region, endpoint_url and the network"):
        read_fleet(sagemaker.client, wants(["a", "b"]), None)


def test_describes_what_lists_tell_to_be_anothers(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {})
    instances[7] = want(name=NAMES[7], owner="mallory", **SETTINGS)
    sagemaker.reads(NAMES[7], {"owner": NAMES[7]})
    plans, refused = make_plans(read(sagemaker, tagging, instances))
    assert list(refused) == [NAMES[7]]
    assert not plans[7].steps


def test_ignores_other_instances(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES)
    lists(sagemaker, tagging, instances, {NAMES[100]: None})
    assert steps_of(read(sagemaker, tagging, instances[:50])) == {}


def test_does_not_describe_what_runs_and_is_to_run(sagemaker: Script, tagging: Script) -> None:
    instances = wants(NAMES, state="started")
    lists(sagemaker, tagging, instances, {})
    assert steps_of(read(sagemaker, tagging, instances)) == {}


def test_reads_again_what_was_changed(sagemaker: Script) -> None:
    running = plan(want(name="a", instance_type="ml.m5.xlarge"), described(name="a"))
    tagged = plan(want(name="b", tags={"owner": "b"}), described(name="b"))
    deleted = plan(want(name="c", state="absent"), described(name="c", status="Stopped"))
    awaited = plan(want(name="d", state="started"), described(name="d", status="Pending", tags={"a": "1"}))
    sagemaker.reads("b", {"owner": "b"})
    sagemaker.looks(None, name="c")
    sagemaker.looks("InService", name="d")  # its tags are not read again, since no step has changed them
    currents, unread = read_again(sagemaker.client, [running, tagged, deleted, awaited])
    assert not unread
    assert list(currents) == ["a", "b", "c", "d"]
    assert currents["a"] is running.current
    assert currents["b"] is not None
    assert currents["b"].tags == {"owner": "b"}
    assert currents["c"] is None
    assert currents["d"] is not None
    assert (currents["d"].status, currents["d"].tags) == ("InService", {"a": "1"})


def test_one_that_cannot_be_read_again_does_not_hide_the_others(sagemaker: Script) -> None:
    plans = [plan(want(name=name, tags={"owner": name}), described(name=name)) for name in ("a", "b")]
    sagemaker.refuse("describe_notebook_instance", {"NotebookInstanceName": "a"}, "AccessDeniedException", "not you")
    sagemaker.reads("b", {"owner": "b"})
    currents, unread = read_again(sagemaker.client, plans)
    assert currents["a"] is plans[0].current
    assert currents["b"]
    assert currents["b"].tags == {"owner": "b"}
    assert list(unread) == ["a"]
    assert "not you" in str(unread["a"])


# Marking verified instances


def marks(sagemaker: Script, desired: Desired, current: Current | None) -> None:
    assert not mark_verified(sagemaker.client, unverified([plan(desired, current)], {desired.name: current}))


def expect_mark(sagemaker: Script, desired: Desired) -> None:
    tags = as_list({VERIFIED_TAG: described().seal(desired)})
    sagemaker.call("add_tags", {"ResourceArn": arn_of(NAME), "Tags": tags}, {"Tags": []})


VERIFIED = want(**SETTINGS)


@pytest.mark.parametrize("tags", [{}, {VERIFIED_TAG: "something else"}])
def test_marks_what_was_described(sagemaker: Script, tags: dict[str, str]) -> None:
    expect_mark(sagemaker, VERIFIED)
    marks(sagemaker, VERIFIED, described(tags))


def test_marks_what_only_lists_find_different(sagemaker: Script) -> None:
    desired = want(**{**SETTINGS, "instance_type": "ml.m5.xlarge"})
    expect_mark(sagemaker, desired)
    marks(sagemaker, desired, described())


def test_marks_with_what_was_read_again(sagemaker: Script) -> None:
    made = plan(VERIFIED, described(status="Stopped", VolumeSizeInGB=5))
    expect_mark(sagemaker, VERIFIED)
    mark_verified(sagemaker.client, unverified([made], {NAME: described()}))


def test_no_mark_where_it_is(sagemaker: Script) -> None:
    marks(sagemaker, VERIFIED, described({VERIFIED_TAG: described().seal(VERIFIED)}))


@pytest.mark.parametrize(
    "hidden", [{"volume_size_in_gb": 50}, {"role_arn": ROLE + "-other"}, {"root_access": "Enabled"}]
)
def test_no_mark_where_something_is_pending(sagemaker: Script, hidden: dict[str, Any]) -> None:
    marks(sagemaker, want(**{**SETTINGS, **hidden}), described())


def test_no_mark_where_nothing_was_described(sagemaker: Script) -> None:
    current = described()
    marks(sagemaker, VERIFIED, type(current)(**{**vars(current), "described": None}))


def test_no_mark_where_nothing_is(sagemaker: Script) -> None:
    marks(sagemaker, want(state="absent"), None)


def test_no_mark_where_it_is_being_deleted(sagemaker: Script) -> None:
    made = plan(want(state="absent"), described(status="Stopped"))
    mark_verified(sagemaker.client, unverified([made], {NAME: described(status="Deleting")}))


# Outcomes

OUTCOME = {
    "name": NAME,
    "owner": "alice",
    "changed": False,
    "status": "InService",
    "notebook_instance_arn": arn_of(NAME),
    "instance_type": "ml.t3.medium",
    "lifecycle_config_name": None,
    "default_code_repository": None,
    "additional_code_repositories": None,
    "tags": {"owner": "alice"},
    "before": {},
    "after": {},
    "pending": {},
    "pending_reason": None,
    "pending_problem": None,
    "failed": False,
}
OWNED = {"owner": "alice"}


@pytest.mark.parametrize("check_mode", [True, False])
def test_outcome_of_no_change(check_mode: bool) -> None:
    made = plan(want(tags=OWNED), described(OWNED))
    assert outcome(made, made.current, None, check_mode) == OUTCOME


def update() -> Plan:
    desired = want(instance_type="ml.m5.xlarge", tags={**OWNED, "team": "fraud"}, state="started")
    return plan(desired, described(OWNED, status="Stopped"))


CHANGES = {
    "changed": True,
    "instance_type": "ml.m5.xlarge",
    "tags": {**OWNED, "team": "fraud"},
    "before": {"instance_type": "ml.t3.medium", "tags": OWNED, "state": "stopped"},
    "after": {"instance_type": "ml.m5.xlarge", "tags": {**OWNED, "team": "fraud"}, "state": "started"},
}


def test_outcome_of_an_update() -> None:
    current = described({**OWNED, "team": "fraud"}, InstanceType="ml.m5.xlarge")
    assert outcome(update(), current, None, False) == {**OUTCOME, **CHANGES}


def test_outcome_of_an_update_in_check_mode() -> None:
    made = update()
    assert outcome(made, made.current, None, True) == {**OUTCOME, **CHANGES, "status": "Stopped"}


def test_outcome_is_what_is_there() -> None:
    current = described(OWNED, status="Stopped")
    result = outcome(update(), current, NotebookError("AWS has no such machine"), False)
    assert result == {
        **OUTCOME,
        **CHANGES,
        "status": "Stopped",
        "instance_type": "ml.t3.medium",
        "tags": OWNED,
        "failed": True,
        "msg": "alice: AWS has no such machine",
    }


CREATION = plan(want(**SETTINGS, tags=OWNED), None)
AFTER = {**CREATED_WITH, **SETTINGS, "tags": OWNED, "state": "present"}
CREATED = {"changed": True, "before": {"state": "absent"}, "after": AFTER}


def test_outcome_of_a_creation() -> None:
    assert outcome(CREATION, described(OWNED), None, False) == {**OUTCOME, **CREATED}


def test_outcome_of_a_creation_in_check_mode() -> None:
    missing = {"status": None, "notebook_instance_arn": None}
    assert outcome(CREATION, None, None, True) == {**OUTCOME, **CREATED, **missing}


def test_outcome_of_a_deletion() -> None:
    made = plan(want(state="absent"), described(OWNED, status="Stopped"))
    result = outcome(made, None, None, False)
    assert (result["changed"], result["status"], result["instance_type"], result["tags"]) == (True, None, None, {})


def test_outcome_of_a_pending_change() -> None:
    made = plan(want(instance_type="ml.m5.xlarge"), described(OWNED))
    waits = {"instance_type": {"before": "ml.t3.medium", "after": "ml.m5.xlarge"}}
    reason = f"{NAME} is InService; applied by the next run that finds it stopped"
    assert outcome(made, made.current, None, False) == {**OUTCOME, "pending": waits, "pending_reason": reason}


def test_outcome_of_a_clearing_in_check_mode() -> None:
    made = plan(want(lifecycle_config_name=""), described(status="Stopped", NotebookInstanceLifecycleConfigName="x"))
    real = outcome(made, described(status="Stopped"), None, False)
    assert outcome(made, made.current, None, True) == real


def test_does_not_mark_where_nothing_was_wanted_that_lists_do_not_tell(sagemaker: Script) -> None:
    marks(sagemaker, want(instance_type="ml.t3.medium", state="started"), described())


def test_describes_none_of_which_lists_tell_all_that_is_wanted(sagemaker: Script, tagging: Script) -> None:
    instances = [want(name=name, owner=None, instance_type="ml.t3.medium") for name in NAMES]
    lists(sagemaker, tagging, instances, dict.fromkeys(NAMES, "of other settings"))
    pairs = read(sagemaker, tagging, instances)
    assert all(current and not plan(desired, current).steps for desired, current in pairs)


KEY, SUBNET = "alias/acme", "subnet-0123456789abcdef0"
NOT_THERE = {
    f"Could not assume role {ROLE}. Please ensure that the role exists.": "notebook_role_arn",
    f"The KMS key {KEY} does not exist": "notebook_kms_key_id",
    f"{SUBNET} and sg-2 belong to different networks.": "notebook_subnet_id and notebook_security_group_ids",
    "The account-level service limit is 0.": "",
}


@pytest.mark.parametrize("says", NOT_THERE)
def test_what_aws_refuses_is_told_by_the_variable_that_names_it(says: str) -> None:
    fields = {"kms_key_id": KEY, "subnet_id": SUBNET, "security_group_ids": ["sg-1", "sg-2"], "role_arn": ROLE}
    made = plan(want(owner="alice", **{**SETTINGS, **fields}), None)
    error = ClientError({"Error": {"Code": "ValidationException", "Message": says}}, "CreateNotebookInstance")
    told = outcome(made, None, NotebookError(message="Failed to create it", exception=error), False)["msg"]
    named = NOT_THERE[says]
    end = f"{says.rstrip('.')}. That is the value of {named}" if named else says
    assert told.startswith("alice: Failed to create it: An error occurred (ValidationException)")
    assert told.endswith(end)
