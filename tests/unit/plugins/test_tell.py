# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table at the end of a run: it names what differs, and counts what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import Change, SectionPlan
from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import (
    OF_A_SECTION,
    OF_PEOPLE,
    TEXTS,
    Line,
    aligned,
    applied_result,
    lines_of,
    missed_creations,
    of_interest,
    section_diff,
    unmanaged_lines,
    value_text,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import STAGES, Account
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import FULL
from ansible_collections.datalab.notebooks.tests.unit.plugins.outcomes import outcome, pending

ALL_SECTIONS = ("network", "storage", "access", "costs", "configs")


def table(
    *outcomes: Mapping[str, Any],
    planned: bool = False,
    applied: Sequence[str] = ALL_SECTIONS,
    given_by: Sequence[str] = (),
    removal: bool = False,
    plans: Mapping[str, SectionPlan] | None = None,
    **result: Any,
) -> list[str]:
    """Return the lines of a run with these outcomes, with one space between their columns."""
    plan = {section: each.as_dict() for section, each in (plans or {}).items()}
    lines = lines_of(
        {**plan, "given_by": list(given_by), "removal": removal},
        {"instances": outcomes, **result},
        planned=planned,
        applied=applied,
    )
    return [" ".join(filter(None, line)) for line in lines]


CREATED = outcome(
    changed=True,
    before={"state": "absent"},
    after={"state": "present", "instance_type": "ml.t3.medium", "volume_size_in_gb": 20},
)
RESIZED = outcome(
    changed=True,
    before={"instance_type": "ml.m5.xlarge", "tags": {"a": "1"}},
    after={"instance_type": "ml.m5.2xlarge", "tags": {"b": "2", "a": "1"}, "state": "restarted"},
)
STARTED = outcome(changed=True, before={"state": "stopped"}, after={"state": "started"})
REMOVED = outcome(changed=True, before={"state": "Stopped"}, after={"state": "absent"})
FAILED = outcome(failed=True, msg="alice: the role cannot be assumed")
BOTH = outcome(changed=True, before={"tags": {}}, after={"tags": {"a": "1"}}, pending=pending())

INSTANCES: dict[str, tuple[Mapping[str, Any], list[str], list[str]]] = {
    "created": (
        CREATED,
        ["created alice (research) datalab-alice, ml.t3.medium, 20 GiB"],
        ["will create alice (research) datalab-alice, ml.t3.medium, 20 GiB"],
    ),
    "created, and not said how": (
        {**CREATED, "after": {"state": "present"}},
        ["created alice (research) datalab-alice"],
        ["will create alice (research) datalab-alice"],
    ),
    "changed": (
        RESIZED,
        ["changed alice (research) instance_type ml.m5.xlarge → ml.m5.2xlarge, tags a=1 → a=1,b=2, restarted"],
        ["will change alice (research) instance_type ml.m5.xlarge → ml.m5.2xlarge, tags a=1 → a=1,b=2, restarted"],
    ),
    "started": (STARTED, ["changed alice (research) started"], ["will change alice (research) started"]),
    "removed": (
        REMOVED,
        ["removed alice (research) datalab-alice, with its volume"],
        ["will remove alice (research) datalab-alice, with its volume"],
    ),
    "waits": (
        outcome(pending=pending(volume_size_in_gb=(20, 50), root_access=(None, "Disabled"))),
        ["waits alice (research) volume_size_in_gb 20 → 50, root_access none → Disabled at the next stop"],
        ["waits alice (research) volume_size_in_gb 20 → 50, root_access none → Disabled at the next stop"],
    ),
    "waits, and a quota stands against it": (
        outcome(pending=pending(), pending_problem="the quota is 0"),
        ["waits alice (research) instance_type ml.t3.medium → ml.m5.xlarge at the next stop; the quota is 0"],
        ["waits alice (research) instance_type ml.t3.medium → ml.m5.xlarge at the next stop; the quota is 0"],
    ),
    "changed, and waits": (
        BOTH,
        [
            "changed alice (research) tags none → a=1",
            "waits alice (research) instance_type ml.t3.medium → ml.m5.xlarge at the next stop",
        ],
        [
            "will change alice (research) tags none → a=1",
            "waits alice (research) instance_type ml.t3.medium → ml.m5.xlarge at the next stop",
        ],
    ),
    "failed": (
        FAILED,
        ["failed alice (research) the role cannot be assumed"],
        ["will fail alice (research) the role cannot be assumed"],
    ),
    "changed before it failed": (
        {**FAILED, "changed": True},
        ["failed alice (research) the role cannot be assumed"],
        ["will fail alice (research) the role cannot be assumed"],
    ),
    "unchanged": (outcome(), ["unchanged 1 instance"], ["unchanged 1 instance"]),
    "without a team": (
        {**STARTED, "tags": {}},
        ["changed alice started"],
        ["will change alice started"],
    ),
    "without an owner": (
        {**FAILED, "owner": None, "msg": "datalab-alice: no"},
        ["failed datalab-alice (research) no"],
        ["will fail datalab-alice (research) no"],
    ),
}


@pytest.mark.parametrize("case", INSTANCES)
def test_outcome_of_an_instance(case: str) -> None:
    of, done, planned = INSTANCES[case]
    assert table(of) == done
    assert table(of, planned=True) == planned


NETWORK = SectionPlan(
    changes=(Change("create", "VPC 10.42.0.0/20"), Change("change", "route table"), Change("remove", "endpoint glue")),
    notes=("subnet b is used and stays",),
)
UNCHANGED = SectionPlan()


def test_outcome_of_a_section() -> None:
    assert table(plans={"network": NETWORK, "storage": UNCHANGED, "access": UNCHANGED}) == [
        "created network VPC 10.42.0.0/20",
        "changed network route table",
        "removed network endpoint glue",
        "stays network subnet b is used and stays",
        "unchanged storage, access",
    ]
    assert table(plans={"network": NETWORK}, planned=True)[:3] == [
        "will create network VPC 10.42.0.0/20",
        "will change network route table",
        "will remove network endpoint glue",
    ]


def test_a_change_that_no_task_made_is_reported() -> None:
    results = [{"changed": False, "item": {"cidr_block": "10.42.0.0/20"}}]
    variables = {"_platform_network_created_vpcs": {"results": results}}
    plan = {"network": NETWORK.as_dict()}
    said, *_rest = lines_of(plan, {}, planned=False, applied=["network"], missed=missed_creations(variables))
    assert (said.verb, said.who) == ("not created", "network")
    assert said.text.startswith("VPC 10.42.0.0/20: its module reported no change")


def test_tasks_and_plan_use_the_same_names() -> None:
    there, called = Account(FULL), set[str]()
    plan = first = there.plan()
    for stage in STAGES:
        called |= {text(step) for kind, text in TEXTS.items() if kind in stage for step in plan.steps[kind]}
        there.carry_out(plan, stage)
        plan = there.plan()
    created = {change.text for change in first.changes if change.action == "create"}
    assert called <= created
    assert {text.split()[0] for text in created - called} == {"route", "flow"}, "of these no other can be there"


def test_a_section_that_the_run_does_not_converge_differs() -> None:
    one, two = SectionPlan(changes=NETWORK.changes[:1]), SectionPlan(NETWORK.changes[:2], notes=NETWORK.notes)
    assert table(plans={"network": two, "storage": one, "access": UNCHANGED}, applied=[]) == [
        "differs network 2 changes; datalab.notebooks.site makes them",
        "stays network subnet b is used and stays",
        "differs storage 1 change; datalab.notebooks.site makes it",
        "unchanged access",
    ]


def test_resources_that_a_removal_does_not_find_are_missing() -> None:
    plans = {"network": UNCHANGED, "storage": SectionPlan(notes=("bucket x, which is yours",)), "access": UNCHANGED}
    assert table(outcome(), plans=plans, removal=True) == [
        "stays storage bucket x, which is yours",
        "not there 1 instance, network, access",
    ]


def test_an_instance_that_a_run_does_not_meet_is_not_there() -> None:
    plan = {"fleet": {"absent": [outcome("zoe", status=None, tags={})]}}
    assert lines_of(plan, {"instances": []}, planned=False, applied=[]) == [Line("not there", "zoe", "datalab-zoe")]


def test_steps_that_only_return_ids_are_not_reported() -> None:
    plans = {"network": NETWORK, "storage": UNCHANGED}
    assert table(outcome(), plans=plans, given_by=["network", "storage"]) == ["unchanged 1 instance"]


def test_lifecycle_configurations_are_the_fleets() -> None:
    removal = SectionPlan(changes=(Change("remove", "lifecycle configuration datalab-old"),), notes=("x is used",))
    configs = [
        {"name": "datalab", "changed": True, "created": True, "failed": False},
        {"name": "datalab-quant", "changed": True, "created": False, "failed": False},
        {"name": "datalab-viewer", "changed": False, "created": False, "failed": False},
        {"name": "datalab-fraud", "changed": False, "created": False, "failed": True, "msg": "not you"},
    ]
    assert table(lifecycle_configs=configs) == [
        "created fleet lifecycle configuration datalab",
        "changed fleet lifecycle configuration datalab-quant",
        "failed fleet lifecycle configuration datalab-fraud: not you",
    ]
    assert table(lifecycle_configs=configs, planned=True) == [
        "will create fleet lifecycle configuration datalab",
        "will change fleet lifecycle configuration datalab-quant",
        "will fail fleet lifecycle configuration datalab-fraud: not you",
    ]
    assert table(plans={"configs": removal}) == [
        "removed fleet lifecycle configuration datalab-old",
        "stays fleet x is used",
    ]
    assert table(outcome(), plans={"configs": UNCHANGED}) == ["unchanged 1 instance"]


def test_a_run_about_nothing_tells_nothing() -> None:
    assert table() == []
    assert lines_of({}, {}, planned=False, applied=[]) == []


def test_people_come_first_and_then_the_platform() -> None:
    unmanaged = [{"name": "x", "status": "Stopped", "instance_type": "ml.t3.medium", "tags": {}}]
    lines = table(STARTED, outcome("bob"), plans={"network": NETWORK, "storage": UNCHANGED}, unmanaged=unmanaged)
    assert lines == [
        "changed alice (research) started",
        "created network VPC 10.42.0.0/20",
        "changed network route table",
        "removed network endpoint glue",
        "stays network subnet b is used and stays",
        "unchanged 1 instance, storage",
        "unmanaged x ml.t3.medium, Stopped",
    ]


# Many lines


def test_unchanged_instances_are_counted() -> None:
    assert table(outcome(), outcome("bob")) == ["unchanged 2 instances"]
    assert table(outcome(), {**FAILED, "owner": "bob"}, {**BOTH, "owner": "erin"})[-1] == "unchanged 1 instance"


def test_many_equal_lines_are_counted() -> None:
    started = [{**STARTED, "owner": f"p{number}"} for number in range(OF_PEOPLE + 3)]
    assert len(table(*started[:OF_PEOPLE])) == OF_PEOPLE
    lines = table(*started, FAILED, plans={"network": NETWORK})
    assert lines[:OF_PEOPLE] == [f"changed p{number} (research) started" for number in range(OF_PEOPLE)]
    assert lines[OF_PEOPLE:] == [
        "changed others 3 more",
        "failed alice (research) the role cannot be assumed",
        "created network VPC 10.42.0.0/20",
        "changed network route table",
        "removed network endpoint glue",
        "stays network subnet b is used and stays",
    ]


def test_a_section_may_say_more() -> None:
    many = SectionPlan(changes=tuple(Change("create", f"role {number}") for number in range(OF_A_SECTION + 1)))
    lines = table(plans={"access": many, "network": NETWORK})
    assert sum("role" in line for line in lines) == OF_A_SECTION
    assert "created access 1 more" in lines
    assert "created network VPC 10.42.0.0/20" in lines


def test_many_unmanaged_instances_are_counted() -> None:
    tags: dict[str, str] = {}
    unmanaged = [
        {"name": f"x{number}", "status": "Stopped", "instance_type": "ml.t3.medium", "tags": tags}
        for number in range(OF_PEOPLE + 2)
    ]
    lines = table(unmanaged=unmanaged)
    assert (len(lines), lines[-1]) == (OF_PEOPLE + 1, "unmanaged others 2 more")


KINDS = [CREATED, RESIZED, STARTED, REMOVED, FAILED, BOTH, outcome(), outcome(pending=pending())]


@given(st.lists(st.sampled_from(KINDS), max_size=60), st.booleans())
def test_everybody_is_told_or_counted_once(kinds: list[dict[str, Any]], planned: bool) -> None:
    outcomes = [{**each, "owner": f"p{number}"} for number, each in enumerate(kinds)]
    told = [line for line in table(*outcomes, planned=planned) if "waits" not in line]
    count = sum(
        int(line.split()[1]) if "instance" in line and line.startswith("unchanged")
        else int(line.split()[-2]) if line.endswith(" more")
        else 1
        for line in told
    )  # fmt: skip
    assert count == sum(bool(each["changed"] or each["failed"] or not each["pending"]) for each in outcomes)


# Unmanaged instances


@pytest.mark.parametrize(
    ("tags", "type_", "text"),
    [
        ({"owner": "alice"}, "ml.p3", "ml.p3, InService; to adopt it: host_vars/alice.yml, notebook_name: x"),
        ({"owner": "mallory"}, "ml.p3", "ml.p3, InService"),
        ({}, "ml.p3", "ml.p3, InService"),
        ({}, None, "InService"),
    ],
    ids=str,
)
def test_an_instance_that_the_inventory_does_not_have(tags: dict[str, str], type_: str | None, text: str) -> None:
    each = {"name": "x", "status": "InService", "instance_type": type_, "tags": tags}
    assert list(unmanaged_lines([each], ["alice", "bob"])) == [Line("unmanaged", "x", text)]


# Text


def test_lines_are_aligned() -> None:
    lines = [
        Line("will create", "alice (research)", "datalab-alice"),
        Line("waits", "bob", "volume_size_in_gb 20 → 50"),
        Line("unchanged", "6 instances, the network, the storage, the access", ""),
    ]
    assert aligned(lines) == [
        "will create  alice (research)  datalab-alice",
        "waits        bob               volume_size_in_gb 20 → 50",
        "unchanged    6 instances, the network, the storage, the access",
    ]
    assert aligned([]) == []
    assert aligned(lines[2:]) == ["unchanged  6 instances, the network, the storage, the access"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"), ("", "none"), ([], "none"), ({}, "none"), (0, "0"), (False, "False"), (20, "20"),
        ("ml.t3.medium", "ml.t3.medium"), (["a", "b"], "a,b"), ({"b": 2, "a": 1}, "a=1,b=2"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_value(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_diff_shows_what_has_text() -> None:
    plan = SectionPlan(
        changes=(
            Change("change", "policy a", "old", "new"),
            Change("create", "policy b", after="new"),
            Change("remove", "policy c", before="old"),
            Change("create", "VPC"),
        )
    )
    found = list(section_diff("access", plan))
    assert [(each["before"], each["after"]) for each in found] == [("old", "new"), ("", "new"), ("old", "")]
    headers = ["access: policy a", "access: policy b", "access: policy c"]
    assert [each["before_header"] for each in found] == [each["after_header"] for each in found] == headers


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({}, None),
        ({"notebook_fleet_result": {"changed": False, "skipped": True}}, None),
        ({"notebook_fleet_result": {"instances": []}}, {"instances": []}),
    ],
    ids=str,
)
def test_a_result_is_what_the_fleet_module_returned(variables: dict[str, Any], result: Any) -> None:
    assert applied_result(variables) == result


@pytest.mark.parametrize(
    ("of", "expected"), [(outcome(), False), (STARTED, True), (FAILED, True), (outcome(pending=pending()), False)]
)
def test_of_interest_is_what_was_done_or_failed(of: dict[str, Any], expected: bool) -> None:
    assert of_interest(of) is expected
