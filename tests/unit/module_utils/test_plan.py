# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of one instance: tables of the current state, the desired state, and the steps between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import filled, instance_arguments
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    FIELDS,
    IMDS,
    IMDS_VERSION,
    RESTART_TAG,
    Current,
    Desired,
    desired_from_options,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import (
    CREATED_WITH,
    Plan,
    Step,
    make_plans,
    plan,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.validation import instance_problems
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    NAME,
    ROLE,
    RUNNING,
    SETTINGS,
    STATUSES,
    have,
    want,
)

if TYPE_CHECKING:
    from botocore.model import ServiceModel


@dataclass(frozen=True)
class Case:
    """A row of a table: the desired and the current state, and the expected plan."""

    name: str
    desired: Desired
    current: Current | None
    steps: tuple[Step, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)


def table(*cases: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def check(case: Case) -> None:
    made = plan(case.desired, case.current)
    assert made.steps == case.steps
    assert (made.before, made.after) == (case.before, case.after)
    assert made.pending == case.pending
    assert bool(made.pending_reason) == bool(case.pending)


def actions(made: Plan) -> str:
    return " ".join(step.action for step in made.steps)


def refusal(desired: Desired, current: Current | None) -> list[str]:
    with pytest.raises(InputError) as caught:
        plan(desired, current)
    return caught.value.problems


# Run states

RESTS = ("Stopping", "Stopped", "Failed", "Updating")
ON_ITS_WAY_UP = ("Pending", "PendingMaintenance", "InMaintenance")
RUN_STATES: dict[str, dict[str | None, str]] = {
    "present": {
        None: "create",
        "Deleting": "await_gone create",
        **dict.fromkeys((*RUNNING, *RESTS), ""),
        "Failed": "start",
    },
    "started": {
        None: "create",
        "Deleting": "await_gone create",
        **dict.fromkeys(RESTS, "start"),
        **dict.fromkeys(ON_ITS_WAY_UP, "await_running"),
        "InService": "",
    },
    "stopped": {
        None: "create stop",
        "Deleting": "await_gone create stop",
        **dict.fromkeys(RUNNING, "stop"),
        **dict.fromkeys(RESTS, ""),
        "Stopping": "await_stopped",
    },
    "restarted": {
        None: "create",
        "Deleting": "await_gone create",
        **dict.fromkeys(RUNNING, "stop start"),
        **dict.fromkeys(RESTS, "start"),
    },
    "absent": {
        None: "",
        "Deleting": "await_gone",
        **dict.fromkeys(RUNNING, "stop delete"),  # with force
        **dict.fromkeys(RESTS, "delete"),
    },
}
WAITING = {"await_running", "await_stopped", "await_gone"}


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        pytest.param(state, status, steps, id=f"{state}-{status}")
        for state, of_status in RUN_STATES.items()
        for status, steps in of_status.items()
    ],
)
def test_run_state(state: Any, status: str | None, expected: str) -> None:
    current = have(status) if status else None
    made = plan(want(state=state, force=True, **SETTINGS), current)
    assert actions(made) == expected
    assert made.changed == bool(set(expected.split()) - WAITING)


def test_run_states_are_complete() -> None:
    assert all(set(of_status) == {None, *STATUSES} for of_status in RUN_STATES.values())


@table(
    Case("start", want(state="started"), have("Stopped"), (Step("start"),), {"state": "stopped"}, {"state": "started"}),
    Case("start again", want(), have("Failed"), (Step("start"),), {"state": "failed"}, {"state": "started"}),
    Case("stop", want(state="stopped"), have("InService"), (Step("stop"),), {"state": "started"}, {"state": "stopped"}),
    Case(
        "restart",
        want(state="restarted"),
        have("InService"),
        (Step("stop"), Step("start")),
        {"state": "present"},
        {"state": "restarted"},
    ),
    Case("delete", want(state="absent"), have("Failed"), (Step("delete"),), {"state": "Failed"}, {"state": "absent"}),
    Case("nothing to delete", want(state="absent"), None),
)
def test_reports_the_run_state(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("status", RUNNING)
def test_deletes_a_running_instance_only_with_force(status: str) -> None:
    text = f"{NAME} is {status}; stop it first, or set notebook_force: true; its volume is deleted, too"
    assert refusal(want(state="absent"), have(status)) == [f"alice: notebook_state: {text}"]


# Creation


@pytest.mark.parametrize("state", ["started", "stopped", "restarted"])
def test_cannot_start_or_stop_what_is_not_there(state: Any) -> None:
    assert refusal(want(state=state), None) == [
        f"alice: there is no instance {NAME}; create it with ansible-playbook datalab.notebooks.user -l alice"
    ]


def test_names_what_is_missing_of_what_is_to_be_created() -> None:
    assert len(refusal(want(), None)) == 2


EVERYTHING: dict[str, Any] = {
    "instance_type": "ml.t3.medium",
    "role_arn": ROLE,
    "volume_size_in_gb": 50,
    "lifecycle_config_name": "datalab",
    "default_code_repository": "https://git.example.com/a.git",
    "additional_code_repositories": ["b", "c"],
    "root_access": "Disabled",
    "platform_identifier": "notebook-al2023-v1",
    "ip_address_type": "dualstack",
    "minimum_instance_metadata_service_version": "2",
    "subnet_id": "subnet-1",
    "security_group_ids": ["sg-1", "sg-2"],
    "kms_key_id": "1234",
    "direct_internet_access": "Disabled",
}
EVERYTHING_REQUESTED = {
    "InstanceType": "ml.t3.medium",
    "RoleArn": ROLE,
    "VolumeSizeInGB": 50,
    "LifecycleConfigName": "datalab",
    "DefaultCodeRepository": "https://git.example.com/a.git",
    "AdditionalCodeRepositories": ["b", "c"],
    "RootAccess": "Disabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "IpAddressType": "dualstack",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1", "sg-2"],
    "KmsKeyId": "1234",
    "DirectInternetAccess": "Disabled",
}
LEAST = {"instance_type": "ml.t3.medium", "role_arn": ROLE}
IMDS_2 = {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}}
LEAST_REQUESTED = {"InstanceType": "ml.t3.medium", "RoleArn": ROLE, **IMDS_2}
ABSENT = {"state": "absent"}


@table(
    Case(
        "every setting",
        want(**EVERYTHING),
        None,
        (Step("create", EVERYTHING_REQUESTED),),
        ABSENT,
        {**EVERYTHING, "state": "present"},
    ),
    Case(
        "empty settings are not sent",
        want(**LEAST, lifecycle_config_name="", default_code_repository="", additional_code_repositories=[]),
        None,
        (Step("create", LEAST_REQUESTED),),
        ABSENT,
        {**CREATED_WITH, **LEAST, "state": "present"},
    ),
    Case(
        "with tags, kept ones too",
        want(**LEAST, tags={"owner": "alice", "idle": "7200"}, keep_tags=frozenset({"idle"})),
        None,
        (
            Step(
                "create",
                {
                    **LEAST_REQUESTED,
                    "Tags": [{"Key": "owner", "Value": "alice"}, {"Key": "idle", "Value": "7200"}],
                },
            ),
        ),
        ABSENT,
        {**CREATED_WITH, **LEAST, "tags": {"owner": "alice", "idle": "7200"}, "state": "present"},
    ),
    Case(
        "without the tags and settings of the one that is being deleted",
        want(**LEAST, tags={}),
        have("Deleting", tags={"owner": "bob"}, own_tags={RESTART_TAG: "true"}, volume_size_in_gb=50),
        (Step("await_gone"), Step("create", LEAST_REQUESTED)),
        ABSENT,
        {**CREATED_WITH, **LEAST, "state": "present"},
    ),
)
def test_creates(case: Case) -> None:
    check(case)


def test_creation_needs_a_type_and_a_role() -> None:
    assert refusal(want(role_arn=""), None) == [
        f"alice: notebook_instance_type: is needed to create {NAME}",
        f"alice: notebook_role_arn: is needed to create {NAME}",
    ]


@pytest.mark.parametrize("subnet", [{}, {"subnet_id": ""}], ids=str)
def test_creation_without_the_internet_needs_a_subnet(subnet: dict[str, str]) -> None:
    assert refusal(want(**LEAST, direct_internet_access="Disabled", **subnet), None) == [
        "alice: notebook_direct_internet_access: without it the instance needs notebook_subnet_id"
    ]


@pytest.mark.parametrize("platform", ["notebook-al1-v1", "notebook-al2-v3"])
def test_creates_no_retired_platform(platform: str) -> None:
    text = f"AWS has retired {platform}; set it to notebook-al2023-v1, or leave it out"
    assert refusal(want(**LEAST, platform_identifier=platform), None) == [
        f"alice: notebook_platform_identifier: {text}"
    ]


# Settings that an instance already has

HELD: dict[str, list[str]] = {"Stopped": ["present", "stopped"], "InService": ["present", "started"]}
SAID_AGAIN: dict[str, Any] = {
    **EVERYTHING,
    "owner": "alice",
    "allow_other_owner": True,
    "new_instance_type": True,
    "root_access": False,
    "direct_internet_access": False,
    "security_group_ids": ["sg-2", "sg-1", "sg-2"],
    "additional_code_repositories": ["c", "b", "c"],
    "tags": {"owner": "alice"},
    "purge_tags": True,
    "keep_tags": ["idle"],
    "update_policy": "force",
    "force": True,
}


@pytest.mark.parametrize("status", HELD)
@pytest.mark.parametrize("option", [*SAID_AGAIN, "everything"])
def test_equal_settings_need_no_change(option: str, status: str, service_model: ServiceModel) -> None:
    current = have(status, tags={"owner": "alice"}, **EVERYTHING)
    for state in HELD[status]:
        said = SAID_AGAIN if option == "everything" else {option: SAID_AGAIN[option]}
        desired = desired_from_options(filled({"name": NAME, "owner": "alice", "state": state, **said}))
        assert instance_problems(service_model, [desired]) == []
        made = plan(desired, current)
        assert (made.steps, made.pending) == ((), {})


def test_every_option_is_said_again() -> None:
    assert set(SAID_AGAIN) == set(instance_arguments()) - {"name", "state"}


@pytest.mark.parametrize(
    ("option", "value"), [("ip_address_type", "ipv4"), ("minimum_instance_metadata_service_version", "1")]
)
def test_missing_fields_have_their_defaults(option: str, value: str) -> None:
    assert plan(want(**{option: value}), have("Stopped")).steps == ()


# An OS that AWS has retired


@pytest.mark.parametrize("status", ["Stopped", "InService"])
def test_an_instance_moves_to_no_retired_os(status: str) -> None:
    desired, retired = want(platform_identifier="notebook-al2-v3"), "notebook-al2-v3"
    text = f"AWS has retired {retired}; set it to notebook-al2023-v1, or leave it out"
    assert refusal(desired, have(status, platform_identifier="notebook-al2023-v1")) == [
        f"alice: notebook_platform_identifier: {text}"
    ]
    assert not plan(desired, have(status, platform_identifier=retired)).steps


STARTING = [(state, "Stopped") for state in ("started", "restarted")]
STARTING += [("restarted", "InService"), ("present", "Failed"), ("started", "Failed")]


@pytest.mark.parametrize("platform", ["notebook-al1-v1", "notebook-al2-v3"])
@pytest.mark.parametrize(("state", "status"), STARTING)
def test_an_instance_of_a_retired_os_is_not_started(state: Any, status: str, platform: str) -> None:
    current = have(status, platform_identifier=platform)
    has = f"{NAME} has {platform}, of which AWS no longer starts instances"
    move = "move it with ansible-playbook datalab.notebooks.upgrade_platform -l alice"
    assert refusal(want(state=state), current) == [
        f"alice: notebook_platform_identifier: {has}; {move}; its volume stays"
    ]
    move = "set platform_identifier: notebook-al2023-v1"
    assert refusal(want(state=state, owner=None), current) == [
        f"{NAME}: platform_identifier: {has}; {move}; its volume stays"
    ]
    moved = want(state=state, platform_identifier="notebook-al2023-v1")
    assert "update start" in actions(plan(moved, current))


def test_an_update_with_force_does_not_stop_what_would_not_start_again() -> None:
    desired = want(update_policy="force", volume_size_in_gb=50)
    assert len(refusal(desired, have("InService", platform_identifier="notebook-al2-v3"))) == 1


@pytest.mark.parametrize(("state", "status"), [("stopped", "InService"), ("present", "Stopped"), ("absent", "Stopped")])
def test_an_instance_of_a_retired_os_may_rest(state: Any, status: str) -> None:
    assert "start" not in actions(plan(want(state=state), have(status, platform_identifier="notebook-al2-v3"))).split()


# Updates

OTHER_ROLE = ROLE + "-other"
UPDATES: dict[str, Any] = {
    "instance_type": ("ml.t3.medium", "ml.m5.xlarge", {"InstanceType": "ml.m5.xlarge"}),
    "role_arn": (ROLE, OTHER_ROLE, {"RoleArn": OTHER_ROLE}),
    "volume_size_in_gb": (20, 21, {"VolumeSizeInGB": 21}),
    "lifecycle_config_name": (None, "datalab", {"LifecycleConfigName": "datalab"}),
    "default_code_repository": ("a", "b", {"DefaultCodeRepository": "b"}),
    "additional_code_repositories": (["a"], ["a", "b"], {"AdditionalCodeRepositories": ["a", "b"]}),
    "root_access": ("Enabled", "Disabled", {"RootAccess": "Disabled"}),
    "platform_identifier": (
        "notebook-al2-v3",
        "notebook-al2023-v1",
        {"PlatformIdentifier": "notebook-al2023-v1"},
    ),
    "ip_address_type": ("ipv4", "dualstack", {"IpAddressType": "dualstack"}),
    "minimum_instance_metadata_service_version": ("1", "2", {IMDS: {IMDS_VERSION: "2"}}),
}
CLEARINGS: dict[str, Any] = {
    "lifecycle_config_name": ("datalab", "", "DisassociateLifecycleConfig"),
    "default_code_repository": ("a", "", "DisassociateDefaultCodeRepository"),
    "additional_code_repositories": (["a", "b"], [], "DisassociateAdditionalCodeRepositories"),
}


@pytest.mark.parametrize("option", UPDATES)
def test_updates(option: str) -> None:
    has, wanted, params = UPDATES[option]
    current = have("Stopped", **{option: has})
    check(Case("", want(**{option: wanted}), current, (Step("update", params),), {option: has}, {option: wanted}))


def test_updates_are_complete() -> None:
    assert set(UPDATES) == {f.option for f in FIELDS if f.updatable}


@pytest.mark.parametrize("option", CLEARINGS)
def test_clears(option: str) -> None:
    has, empty, flag = CLEARINGS[option]
    current = have("Stopped", **{option: has})
    check(Case("", want(**{option: empty}), current, (Step("update", {flag: True}),), {option: has}, {option: empty}))


@pytest.mark.parametrize("option", sorted(set(UPDATES) - set(CLEARINGS) - {"volume_size_in_gb"}))
def test_cannot_clear(option: str) -> None:
    current = have("Stopped", **{option: UPDATES[option][1]})
    assert refusal(want(**{option: ""}), current) == [f"alice: notebook_{option}: cannot be empty"]


@table(
    Case("nothing given", want(), have("Stopped", lifecycle_config_name="datalab")),
    Case("all as given", want(**EVERYTHING), have("Stopped", **EVERYTHING)),
    Case("lists in another order", want(security_group_ids=["b", "a"]), have("Stopped", security_group_ids=["a", "b"])),
    Case("empty and not there", want(lifecycle_config_name="", additional_code_repositories=[]), have("Stopped")),
    Case("key as id and ARN", want(kms_key_id="12-34"), have("Stopped", kms_key_id="arn:aws:kms:eu:1:key/12-34")),
    Case("key as ARN and id", want(kms_key_id="arn:aws:kms:eu:1:key/12-34"), have("Stopped", kms_key_id="12-34")),
)
def test_leaves_alone(case: Case) -> None:
    check(case)


def test_one_update_for_all_settings() -> None:
    desired = want(instance_type="ml.m5.xlarge", volume_size_in_gb=50, lifecycle_config_name="")
    made = plan(desired, have("Stopped", lifecycle_config_name="datalab"))
    params = {"InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 50, "DisassociateLifecycleConfig": True}
    assert made.steps == (Step("update", params),)


@pytest.mark.parametrize("status", ["Stopped", "InService"])
def test_volume_never_shrinks(status: str) -> None:
    text = f"a volume cannot shrink from 20 to 19 GiB; {NAME} keeps what it has; set it to 20"
    desired = want(volume_size_in_gb=19, update_policy="force")
    assert refusal(desired, have(status)) == [f"alice: notebook_volume_size_in_gb: {text}"]


SET_AT_CREATION: dict[str, tuple[Any, Any]] = {
    "subnet_id": ("subnet-1", "subnet-2"),
    "security_group_ids": (["sg-1"], ["sg-1", "sg-2"]),
    "kms_key_id": ("arn:aws:kms:eu:1:key/12", "arn:aws:kms:eu:1:key/34"),
    "direct_internet_access": ("Enabled", "Disabled"),
}


@pytest.mark.parametrize("option", SET_AT_CREATION)
def test_never_replaces(option: str) -> None:
    has, wanted = SET_AT_CREATION[option]
    desired = want(**{option: wanted}, update_policy="force", force=True)
    (problem,) = refusal(desired, have("Stopped", volume_size_in_gb=50, **{option: has}))
    assert problem.startswith(f"alice: notebook_{option}: ")
    for part in (f"{NAME} has {has!r}", f"but {wanted!r} is wanted", "delete the volume of 50 GiB", "state: absent"):
        assert part in problem


def test_never_replaces_to_clear() -> None:
    (problem,) = refusal(want(kms_key_id=""), have("Stopped", kms_key_id="12"))
    assert "has '12', but none is wanted" in problem


def test_never_replacing_is_complete() -> None:
    assert set(SET_AT_CREATION) == {f.option for f in FIELDS if not f.updatable}


def test_an_impossible_change_of_one_instance_stops_no_other() -> None:
    alice = want(volume_size_in_gb=5, role_arn="")
    bob = want(name="datalab-bob", owner="bob", subnet_id="subnet-1")
    fine = want(name="datalab-fine", instance_type="ml.m5.xlarge")
    plans, refused = make_plans([(alice, have("Stopped")), (fine, have("Stopped")), (bob, have("Stopped"))])
    assert [made.desired for made in plans] == [alice, fine, bob]
    assert [bool(made.steps) for made in plans] == [False, True, False]
    assert set(refused) == {alice.name, bob.name}
    for part in ("notebook_role_arn: cannot be empty; ", "notebook_volume_size_in_gb: a volume cannot shrink"):
        assert part in str(refused[alice.name])
    assert str(refused[bob.name]).startswith("notebook_subnet_id: ")


def test_an_instance_that_cannot_be_read_is_left_alone() -> None:
    bob, error = want(name="datalab-bob", **LEAST), NotebookError("not you")
    plans, refused = make_plans([(bob, error), (want(**LEAST), None)])
    assert [bool(made.steps) for made in plans] == [False, True]
    assert refused == {"datalab-bob": error}


def test_plans_come_in_the_order_of_the_instances() -> None:
    alice, bob = want(**LEAST), want(name="datalab-bob", **LEAST)
    plans, refused = make_plans([(bob, None), (alice, None)])
    assert [made.desired for made in plans] == [bob, alice]
    assert refused == {}


# The owner

ALICES, BOBS = {"owner": "alice"}, {"owner": "bob"}
SPELT = [{"owner": "bob"}, {"Owner": "bob"}, {"OWNER": "bob", "owner": ""}, {"owner": "bob", "Owner": "alice"}]
STATES = tuple(RUN_STATES)


@pytest.mark.parametrize("tags", SPELT, ids=str)
@pytest.mark.parametrize("status", [status for status in STATUSES if status != "Deleting"])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_done_to_the_instance_of_another_person(state: Any, status: str, tags: dict[str, str]) -> None:
    everything = {**SETTINGS, "instance_type": "ml.m5.xlarge", "tags": ALICES, "update_policy": "force"}
    (text,) = refusal(want(state=state, force=True, **everything), have(status, tags=tags))
    remedy = "set another notebook_name, or notebook_allow_other_owner: true to take it over"
    assert text == f"alice: notebook_name: {NAME} is bob's by its tag owner, and is left alone; {remedy}"


@pytest.mark.parametrize("state", STATES)
def test_with_a_word_the_instance_of_another_person_is_as_any_other(state: Any) -> None:
    desired = want(state=state, force=True, allow_other_owner=True, **SETTINGS)
    assert plan(desired, have("InService", tags=BOBS)).steps == plan(desired, have("InService", tags=ALICES)).steps


def test_with_a_word_the_tag_moves() -> None:
    made = plan(want(tags=ALICES, allow_other_owner=True), have("InService", tags=BOBS))
    assert made.steps == (Step("set_tags", ALICES),)


@pytest.mark.parametrize(
    "tags", [{}, ALICES, {"owner": ""}, {"team": "bob"}, {"owner": "alice", "Owner": "bob"}], ids=str
)
def test_an_instance_of_no_other_person_may_be_changed(tags: dict[str, str]) -> None:
    assert actions(plan(want(state="absent"), have("Stopped", tags=tags))) == "delete"


def test_an_instance_that_goes_away_is_no_ones() -> None:
    assert actions(plan(want(**SETTINGS), have("Deleting", tags=BOBS))) == "await_gone create"


@pytest.mark.parametrize(
    ("given", "is_refused"),
    [
        ({}, False),
        ({"owner": "bob"}, False),
        ({"owner": "Bob"}, True),
        ({"tags": BOBS}, False),
        ({"tags": ALICES}, True),
        ({"tags": {"Owner": "alice"}}, True),
        ({"owner": "bob", "tags": ALICES}, True),
        ({"owner": "bob", "tags": {}}, False),
        ({"tags": {}}, True),
        ({"tags": {}, "purge_tags": False}, False),
        ({"tags": {}, "keep_tags": frozenset({"owner"})}, False),
    ],
    ids=str,
)
def test_who_is_meant_by_options_alone(given: dict[str, Any], is_refused: bool) -> None:
    desired, current = want(**{"owner": None, **given}), have("InService", tags=BOBS)
    if not is_refused:
        assert plan(desired, current).desired is desired
        return
    (text,) = refusal(desired, current)
    assert f"{NAME} is bob's by its tag owner" in text
    assert "allow_other_owner: true" in text


# Tags

OWNED = {"owner": "alice", "team": "research"}
KEEP_IDLE = {"keep_tags": frozenset({"idle"})}


def tag_case(
    name: str, desired: Desired, has: dict[str, str], to_set: Any = None, to_delete: Any = None, after: Any = None
) -> Case:
    steps = [Step("set_tags", to_set)] if to_set else []
    steps += [Step("delete_tags", to_delete)] if to_delete else []
    changes = ({"tags": has}, {"tags": after}) if steps else ({}, {})
    return Case(name, desired, have("InService", tags=has), tuple(steps), *changes)


@table(
    tag_case("not given", want(), OWNED),
    tag_case("all there", want(tags=OWNED), OWNED),
    tag_case("missing", want(tags=OWNED), {"owner": "alice"}, {"team": "research"}, after=OWNED),
    tag_case("another value", want(tags=OWNED), {**OWNED, "team": "x"}, {"team": "research"}, after=OWNED),
    tag_case("purged", want(tags=OWNED), {**OWNED, "x": "1"}, to_delete=["x"], after=OWNED),
    tag_case("not purged", want(tags=OWNED, purge_tags=False), {**OWNED, "x": "1"}),
    tag_case("all purged", want(tags={}), {"x": "1"}, to_delete=["x"], after={}),
    tag_case(
        "set and purged",
        want(tags=OWNED),
        {"owner": "alice", "x": "1"},
        {"team": "research"},
        ["x"],
        OWNED,
    ),
    tag_case("AWS's are never purged", want(tags=OWNED), {**OWNED, "aws:createdBy": "cloudformation"}),
    tag_case(
        "AWS's stay in what is reported",
        want(tags=OWNED),
        {"owner": "alice", "aws:a": "1"},
        {"team": "research"},
        after={**OWNED, "aws:a": "1"},
    ),
    tag_case("the owner's idle is not overwritten", want(tags={"idle": "7200"}, **KEEP_IDLE), {"idle": "600"}),
    tag_case("the owner's idle is not purged", want(tags=OWNED, **KEEP_IDLE), {**OWNED, "idle": "600"}),
    tag_case("an empty idle is a wish too", want(tags={"idle": "7200"}, **KEEP_IDLE), {"idle": ""}),
    tag_case(
        "a missing idle is set", want(tags={"idle": "7200"}, **KEEP_IDLE), {}, {"idle": "7200"}, after={"idle": "7200"}
    ),
    tag_case("idle is ours without keep_tags", want(tags={}), {"idle": "600"}, to_delete=["idle"], after={}),
)
def test_tags(case: Case) -> None:
    check(case)


def test_our_own_tags_are_never_purged() -> None:
    current = have("InService", tags=OWNED, own_tags={"datalab:verified": "something"})
    assert plan(want(tags=OWNED), current).steps == ()


# Updates of running instances

BIGGER = {"instance_type": "ml.m5.xlarge"}
UPDATE = Step("update", {"InstanceType": "ml.m5.xlarge"})
WAITS = {"instance_type": {"before": "ml.t3.medium", "after": "ml.m5.xlarge"}}
TYPE_BEFORE, TYPE_AFTER = {"instance_type": "ml.t3.medium"}, BIGGER
START, STOP, MARK, UNMARK = Step("start"), Step("stop"), Step("mark"), Step("unmark")
MARKED = {RESTART_TAG: "true"}


@pytest.mark.parametrize("status", RUNNING)
def test_update_waits_for_a_stop(status: str) -> None:
    made = plan(want(**BIGGER), have(status))
    assert (made.steps, made.changed, made.before, made.after) == ((), False, {}, {})
    assert made.pending == WAITS
    assert made.pending_reason == f"{NAME} is {status}; applied by the next run that finds it stopped"


@pytest.mark.parametrize("status", RUNNING)
def test_force_stops_updates_and_starts(status: str) -> None:
    steps = (MARK, STOP, UPDATE, START, UNMARK)
    check(Case("", want(**BIGGER, update_policy="force"), have(status), steps, TYPE_BEFORE, TYPE_AFTER))


@table(
    Case(
        "tags are set at once",
        want(**BIGGER, tags=OWNED),
        have("InService", tags={"owner": "alice"}),
        (Step("set_tags", {"team": "research"}),),
        {"tags": {"owner": "alice"}},
        {"tags": OWNED},
        pending=WAITS,
    ),
    Case(
        "tags before the stop",
        want(**BIGGER, tags=OWNED, update_policy="force"),
        have("InService", tags={"owner": "alice"}),
        (Step("set_tags", {"team": "research"}), MARK, STOP, UPDATE, START, UNMARK),
        {"tags": {"owner": "alice"}, **TYPE_BEFORE},
        {"tags": OWNED, **TYPE_AFTER},
    ),
    Case(
        "clearing waits too",
        want(lifecycle_config_name=""),
        have("InService", lifecycle_config_name="datalab"),
        pending={"lifecycle_config_name": {"before": "datalab", "after": ""}},
    ),
    Case(
        "started: waits as well",
        want(**BIGGER, state="started"),
        have("Pending"),
        (Step("await_running"),),
        pending=WAITS,
    ),
    Case(
        "stopped: the stop is asked for",
        want(**BIGGER, state="stopped"),
        have("InService"),
        (STOP, UPDATE),
        {**TYPE_BEFORE, "state": "started"},
        {**TYPE_AFTER, "state": "stopped"},
    ),
    Case(
        "restarted: so is the restart",
        want(**BIGGER, state="restarted"),
        have("InService"),
        (STOP, UPDATE, START),
        {**TYPE_BEFORE, "state": "present"},
        {**TYPE_AFTER, "state": "restarted"},
    ),
    Case("already stopping", want(**BIGGER), have("Stopping"), (UPDATE,), TYPE_BEFORE, TYPE_AFTER),
    Case("already updating", want(**BIGGER), have("Updating"), (UPDATE,), TYPE_BEFORE, TYPE_AFTER),
    Case(
        "failed",
        want(**BIGGER),
        have("Failed"),
        (UPDATE, START),
        {**TYPE_BEFORE, "state": "failed"},
        {**TYPE_AFTER, "state": "started"},
    ),
    Case(
        "stopped, to be started",
        want(**BIGGER, state="started"),
        have("Stopped"),
        (UPDATE, START),
        {**TYPE_BEFORE, "state": "stopped"},
        {**TYPE_AFTER, "state": "started"},
    ),
    Case(
        "stopping, to be stopped",
        want(**BIGGER, state="stopped"),
        have("Stopping"),
        (UPDATE,),
        TYPE_BEFORE,
        TYPE_AFTER,
    ),
    Case("force has nothing to do", want(update_policy="force"), have("InService")),
    Case(
        "force leaves a stopped one stopped",
        want(**BIGGER, update_policy="force"),
        have("Stopped"),
        (UPDATE,),
        TYPE_BEFORE,
        TYPE_AFTER,
    ),
)
def test_update_policy(case: Case) -> None:
    check(case)


STARTED = ({"state": "stopped"}, {"state": "started"})


@table(
    Case(
        "before its update",
        want(**BIGGER),
        have("Stopped", own_tags=MARKED),
        (UPDATE, START, UNMARK),
        {**TYPE_BEFORE, "state": "stopped"},
        {**TYPE_AFTER, "state": "started"},
    ),
    Case("before its start", want(), have("Stopped", own_tags=MARKED), (START, UNMARK), *STARTED),
    Case("while it was stopping", want(), have("Stopping", own_tags=MARKED), (START, UNMARK), *STARTED),
    Case("while it was updating", want(), have("Updating", own_tags=MARKED), (START, UNMARK), *STARTED),
    Case(
        "its start failed",
        want(),
        have("Failed", own_tags=MARKED),
        (START, UNMARK),
        {"state": "failed"},
        {"state": "started"},
    ),
    Case("after its start", want(), have("InService", own_tags=MARKED), (UNMARK,)),
    Case("before its stop", want(**BIGGER), have("InService", own_tags=MARKED), (UNMARK,), pending=WAITS),
    Case(
        "before its stop, forced again",
        want(**BIGGER, update_policy="force"),
        have("InService", own_tags=MARKED),
        (MARK, STOP, UPDATE, START, UNMARK),
        TYPE_BEFORE,
        TYPE_AFTER,
    ),
    Case("wanted stopped by now", want(state="stopped"), have("Stopped", own_tags=MARKED), (UNMARK,)),
    Case(
        "wanted stopped, and updated",
        want(**BIGGER, state="stopped"),
        have("Stopped", own_tags=MARKED),
        (UPDATE, UNMARK),
        TYPE_BEFORE,
        TYPE_AFTER,
    ),
    Case(
        "removed",
        want(state="absent"),
        have("Stopped", own_tags=MARKED),
        (Step("delete"),),
        {"state": "Stopped"},
        ABSENT,
    ),
)
def test_interrupted_forced_update(case: Case) -> None:
    check(case)


def test_taking_the_mark_away_is_no_change() -> None:
    assert not plan(want(), have("InService", own_tags=MARKED)).changed


# Any current and any desired state

SOME_TAGS = st.dictionaries(st.sampled_from(["owner", "team", "idle"]), st.sampled_from(["a", "b", ""]))
SOME_FIELDS = {
    "instance_type": st.sampled_from(["ml.t3.medium", "ml.m5.xlarge"]),
    "role_arn": st.sampled_from([ROLE, OTHER_ROLE]),
    "volume_size_in_gb": st.sampled_from([5, 20, 50]),
    "root_access": st.sampled_from(["Enabled", "Disabled"]),
    "subnet_id": st.sampled_from(["subnet-1", "subnet-2"]),
    "minimum_instance_metadata_service_version": st.sampled_from(["1", "2"]),
}
CLEARABLE_FIELDS = {
    "lifecycle_config_name": st.sampled_from(["", "a", "b"]),
    "additional_code_repositories": st.sampled_from([[], ["a"], ["b", "a"], ["a", "b"]]),
}
DESIRED = st.builds(
    Desired,
    name=st.just(NAME),
    fields=st.fixed_dictionaries({}, optional={**SOME_FIELDS, **CLEARABLE_FIELDS}),
    state=st.sampled_from(list(RUN_STATES)),
    tags=st.none() | SOME_TAGS,
    purge_tags=st.booleans(),
    keep_tags=st.just(frozenset({"idle"})),
    update_policy=st.sampled_from(["when_stopped", "force"]),
    force=st.booleans(),
)
CURRENT = st.builds(
    have,
    status=st.sampled_from(STATUSES),
    tags=st.builds(lambda some, aws: {**some, **aws}, SOME_TAGS, st.sampled_from([{}, {"aws:a": "1"}])),
    own_tags=st.sampled_from([{}, MARKED]),
).flatmap(
    lambda current: st.fixed_dictionaries(SOME_FIELDS, optional=CLEARABLE_FIELDS).map(
        lambda fields: replace(current, fields=fields)
    )
)


def fields_after(fields: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The settings of an instance after a Create or Update with these parameters."""
    changed = {f.option: params[f.request] for f in FIELDS if f.request in params}
    if IMDS in params:
        changed["minimum_instance_metadata_service_version"] = params[IMDS][IMDS_VERSION]
    cleared = {f.option for f in FIELDS if f.clear in params}
    return {key: value for key, value in {**fields, **changed}.items() if key not in cleared}


def carried_out(made: Plan) -> Current | None:
    """Return the instance after the steps of a plan; None if it is gone."""
    current = made.current
    for step in made.steps:
        if step.action in ("delete", "await_gone"):
            current = None
        elif step.action == "create":
            assert current is None
            tags = {tag["Key"]: tag["Value"] for tag in step.params.get("Tags", [])}
            current = replace(have("InService"), fields=fields_after({}, step.params), tags=tags)
        else:
            assert current is not None
            current = replace(current, **effect(current, step))
    return current


def effect(current: Current, step: Step) -> dict[str, Any]:
    """The attributes that one step changes."""
    effects: dict[str, Callable[[], dict[str, Any]]] = {
        "start": lambda: {"status": "InService"},
        "stop": lambda: {"status": "Stopped"},
        "await_running": lambda: {"status": "InService"},
        "await_stopped": lambda: {"status": "Stopped"},
        "update": lambda: {"status": "Stopped", "fields": fields_after(current.fields, step.params)},
        "set_tags": lambda: {"tags": {**current.tags, **step.params}},
        "delete_tags": lambda: {"tags": {key: current.tags[key] for key in current.tags if key not in step.params}},
        "mark": lambda: {"own_tags": MARKED},
        "unmark": lambda: {"own_tags": {}},
    }
    return effects[step.action]()


def words(made: Plan) -> list[str]:
    return [step.action for step in made.steps]


def leaves_nothing_to_do(made: Plan) -> None:
    desired, there = made.desired, carried_out(made)
    again = plan(replace(desired, state="started") if desired.state == "restarted" else desired, there)
    assert again.steps == ()
    assert again.pending == made.pending
    if there:
        assert not there.own_tags


def reports_what_its_steps_change(made: Plan) -> None:
    there = carried_out(made)
    if made.current and there and made.current.status != "Deleting":
        told = {key: value for key, value in made.after.items() if key != "state"}
        has = {**there.fields, "tags": there.tags}
        assert all((has.get(key) or None) == (value or None) for key, value in told.items())
        assert all(made.current.fields.get(key) == there.fields.get(key) for key in there.fields if key not in told)


def deletes_only_what_is_to_be_absent(made: Plan) -> None:
    assert "delete" not in words(made) or made.desired.state == "absent"
    assert "create" not in words(made) or made.current is None or made.current.status == "Deleting"


def stops_only_when_told_to(made: Plan) -> None:
    if "stop" in words(made) and made.desired.state in ("present", "started"):
        assert made.desired.update_policy == "force"
        kinds = [word for word in words(made) if not word.endswith("_tags")]
        assert kinds == ["mark", "stop", "update", "start", "unmark"]


def updates_no_running_instance(made: Plan) -> None:
    if "update" in words(made) and made.current and made.current.status in RUNNING:
        assert words(made).index("stop") < words(made).index("update")


def only_grows_volumes(made: Plan) -> None:
    for step in made.steps:
        if step.action == "update" and made.current:
            assert step.params.get("VolumeSizeInGB", 99) > made.current.fields["volume_size_in_gb"]


def leaves_the_tags_of_owners_and_aws(made: Plan) -> None:
    there = carried_out(made)
    if made.current and there and made.current.status != "Deleting":
        tags = made.current.tags
        kept = {key: tags[key] for key in tags if key == "idle" or key.startswith("aws:")}
        assert kept.items() <= there.tags.items()


@given(DESIRED, st.none() | CURRENT)
def test_every_plan(desired: Desired, current: Current | None) -> None:
    try:
        made = plan(desired, current)
    except InputError:
        return
    leaves_nothing_to_do(made)
    reports_what_its_steps_change(made)
    deletes_only_what_is_to_be_absent(made)
    stops_only_when_told_to(made)
    updates_no_running_instance(made)
    only_grows_volumes(made)
    leaves_the_tags_of_owners_and_aws(made)
