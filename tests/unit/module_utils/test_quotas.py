# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refusals by the account's quotas: the person, the quota, and how to ask for more."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.comparison import Comparison
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.plan import Plan, plan
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.quotas import (
    OF_A_TYPE,
    TOTAL,
    asks_for,
    read_quotas,
    refusals,
)
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import (
    RUNNING,
    SETTINGS,
    STATUSES,
    have,
    want,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import Current
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

SMALL, LARGE = "ml.t3.medium", "ml.g5.xlarge"


def new(owner: str, kind: str = SMALL, **more: Any) -> Plan:
    """The plan of a new instance."""
    return plan(want(name=f"datalab-{owner}", owner=owner, **{**SETTINGS, "instance_type": kind}, **more), None)


def changed(status: str, kind: str = LARGE, **more: Any) -> Plan:
    """The plan of Alice's instance, which gets another type."""
    return plan(want(**{**SETTINGS, "instance_type": kind}, **more), have(status))


def others(*statuses: str, kind: str = SMALL) -> list[Current]:
    """Other instances of the account."""
    return [
        dataclasses.replace(have(status, instance_type=kind), name=f"other-{number}")
        for number, status in enumerate(statuses)
    ]


def refused(plans: list[Plan], account: list[Current], **limits: float) -> dict[str, str]:
    """The message for each person; the limits are for `small` and `large` machines, and the `total`."""
    names = {"small": OF_A_TYPE.format(SMALL), "large": OF_A_TYPE.format(LARGE), "total": TOTAL}
    quotas = {
        names[key]: {"QuotaName": names[key], "QuotaCode": f"L-{key}", "Value": value} for key, value in limits.items()
    }
    found = {"region": "xx-1", "quotas": quotas}
    return {name.removeprefix("datalab-"): str(error) for name, error in refusals(plans, account, found).items()}


def test_a_refusal_names_quota_and_remedy() -> None:
    assert refused([new("carol", LARGE)], [], large=0.0) == {
        "carol": "notebook_instance_type: the quota 'ml.g5.xlarge for notebook instance usage' in xx-1 is 0, and 0 are"
        " in use; choose another type, or ask AWS for more: aws service-quotas request-service-quota-increase"
        " --region xx-1 --service-code sagemaker --quota-code L-large --desired-value 1"
    }


def test_the_total_is_a_quota_too() -> None:
    said = refused([new("carol"), new("dave")], others("InService"), total=2, small=20)
    assert list(said) == ["dave"]
    assert (
        "'Total number of notebook instances' in xx-1 is 2, and 2 are in use; stop another instance, or" in said["dave"]
    )
    assert said["dave"].endswith("--quota-code L-total --desired-value 3")


def test_the_first_get_what_is_left() -> None:
    plans = [new("alice", LARGE), new("bob"), new("carol", LARGE), new("dave", LARGE)]
    assert list(refused(plans, others("InService", kind=LARGE), large=2)) == ["carol", "dave"]


def test_a_refused_instance_uses_no_quota() -> None:
    assert list(refused([new("alice", LARGE), new("bob")], [], large=0, total=1)) == ["alice"]


@pytest.mark.parametrize("status", STATUSES)
def test_only_running_instances_count(status: str) -> None:
    assert bool(refused([new("carol")], others(status), small=1)) == (status in RUNNING)


@pytest.mark.parametrize(
    ("plan", "left", "is_refused"),
    [
        (changed("Stopped"), 0, False),  # it does not run until it is started
        (changed("Stopped", state="started"), 0, True),
        (changed("Stopped", state="started"), 1, False),
        (changed("InService", update_policy="force"), 0, True),
        (changed("InService"), 0, True),  # the change waits, but will need the quota
        (changed("InService"), 1, False),
        (changed("Failed"), 0, True),
        (plan(want(**SETTINGS), have("InService")), 0, False),
        (plan(want(state="absent", force=True), have("InService", instance_type=LARGE)), 0, False),
    ],
    ids=["stopped", "started", "started, room", "forced", "waits", "waits, room", "failed", "as it is", "removed"],
)
def test_instances_that_use_a_quota(plan: Plan, left: int, is_refused: bool) -> None:
    account = others("InService", "InService", kind=LARGE)
    assert bool(refused([plan], account, large=2 + left, small=0)) == is_refused


def test_an_instance_that_stays_stopped_takes_nothing() -> None:
    assert not refused([changed("Stopped"), new("carol", LARGE)], [], large=1)


def test_a_type_without_any_quota_is_refused_to_a_stopped_instance() -> None:
    assert refused([changed("Stopped")], [], large=0)


def test_an_instance_does_not_stand_in_its_own_way() -> None:
    here = plan(want(instance_type=LARGE, update_policy="force"), have("InService"))
    assert not refused([here], [have("InService")], total=1, large=1)


def test_pending_changes_come_last_and_keep_their_quota() -> None:
    plans = [changed("InService"), new("carol", LARGE), new("dave")]
    here = have("InService", instance_type=SMALL)
    assert list(refused(plans, [here], large=1, small=1)) == ["dave", "alice"]
    assert not refused(plans, [here], large=2, small=2, total=3)


def test_a_pending_change_stays_with_the_quota_against_it() -> None:
    waits, fresh = changed("InService", tags={"owner": "alice", "a": "b"}), new("carol", LARGE)
    over = {each.desired.name: NotebookError("the quota is 0") for each in (waits, fresh)}
    made = Comparison([], [waits, fresh]).without(over)
    assert [each.steps for each in made.plans] == [waits.steps, ()]
    assert list(made.errors) == [fresh.desired.name]
    alice, carol = made.told()["instances"]
    assert (alice["failed"], alice["pending"], alice["pending_problem"]) == (False, waits.pending, "the quota is 0")
    assert (carol["failed"], carol["pending_problem"]) == (True, None)


def test_a_type_without_a_quota_is_allowed() -> None:
    assert not refused([new("carol", LARGE)], [], small=0)


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (new("carol"), SMALL),
        (changed("Stopped"), LARGE),
        (changed("InService"), LARGE),
        (plan(want(state="started"), have("Stopped")), None),
        (plan(want(**SETTINGS), have("InService")), None),
    ],
    ids=["new", "changed", "waits", "started", "as it is"],
)
def test_nothing_is_read_for_what_asks_for_no_type(plan: Plan, kind: str | None) -> None:
    assert asks_for(plan) == kind


PARAMS = {"ServiceCode": "sagemaker", "MaxResults": 100}


def test_reads_all_pages_and_keeps_what_is_of_instances(service_quotas: Script) -> None:
    names = [TOTAL, "Number of domains", OF_A_TYPE.format(SMALL)]
    first, *rest = [{"QuotaName": name, "QuotaCode": "L-1", "Value": 1.0} for name in names]
    service_quotas.call("list_service_quotas", PARAMS, {"Quotas": [first], "NextToken": "more"})
    service_quotas.call("list_service_quotas", {**PARAMS, "NextToken": "more"}, {"Quotas": rest})
    found = read_quotas(service_quotas.client)
    assert (found["region"], found["unread"]) == ("eu-central-1", "")
    assert found["quotas"] == {first["QuotaName"]: first, rest[1]["QuotaName"]: rest[1]}


def test_without_the_right_to_read_quotas_a_line_says_so(service_quotas: Script) -> None:
    service_quotas.refuse("list_service_quotas", PARAMS, "AccessDeniedException", "carol is not authorized")
    found = read_quotas(service_quotas.client)
    line = found["unread"]
    assert line.startswith("The service quotas were not checked, so AWS may refuse instances: ")
    assert line.endswith("carol is not authorized. The right to read them is servicequotas:ListServiceQuotas.")
    assert refusals([new("carol", LARGE)], [], found) == {}
