# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of a network: what is removed, what waits, and resources of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network import plan_network_removal
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.section import SectionPlan
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import DEFAULTS, Account, Found
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import (
    FEW,
    FULL,
    account,
    endpoint_of_others,
    foreign_gateway,
    foreign_subnet,
    given_vpc,
    group_of_others,
    one,
)

SAGEMAKER = (
    "[Do not delete] Network Interface created to access resources in your VPC for SageMaker Notebook Instance"
    " datalab-alice"
)
MOUNT_TARGET = "EFS mount target for fs-0123456789abcdef0 (fsmt-0123456789abcdef0)"


def removal(there: Account, *leaving: str, keep_used: bool = False) -> SectionPlan:
    found = there.read(removal=True)
    return plan_network_removal(there.settings, found, frozenset(leaving), keep_used=keep_used)


def interface(description: str) -> Found:
    return {"network_interface_id": "eni-9a", "description": description, "tags": {}}


def test_everything_goes() -> None:
    there = account(FULL)
    plan = removal(there)
    assert [f"{change.action} {change.text}" for change in plan.changes] == [
        "remove endpoint s3",
        "remove endpoint sts",
        "remove flow log to acme-logs/datalab",
        "remove NAT gateway",
        f"remove public address {there.there['addresses'][0]['public_ip']}",
        "remove route table datalab-public",
        "remove subnet 10.42.15.240/28",
        "remove internet gateway",
        "remove peering connection with vpc-0a1b",
        "remove security group datalab-instances",
        "remove security group datalab-storage",
        "remove security group datalab-endpoints",
        "remove route table datalab-private",
        "remove subnet 10.42.0.0/22",
        "remove subnet 10.42.4.0/22",
        "remove VPC 10.42.0.0/20",
    ]
    assert plan.ids == {**there.plan().ids, "leaving": []}
    left = there.remove()
    assert not left.changed
    assert not any(left.steps.values())
    assert {kind for kind in there.there if there.there[kind]} == {"peerings"}


@pytest.mark.parametrize("settings", [DEFAULTS, {**DEFAULTS, "vpc_id": "vpc-9a", "subnet_ids": ["subnet-9a"]}])
def test_nothing_is_there(settings: dict[str, Any]) -> None:
    plan = removal(Account(settings))
    assert not plan.changed
    assert not plan.refused
    assert plan.ids["vpc_id"] is None


def test_resources_left_without_their_vpc_are_removed_too() -> None:
    there = Account(FEW)
    there.do_addresses({"tags": {"datalab:network": "datalab"}})
    tags = {"datalab:network": "datalab"}
    there.there["internet_gateways"] = [{"internet_gateway_id": "igw-1", "attachments": [], "tags": tags}]
    assert len(removal(there).changes) == 2
    assert not there.remove().changed


def add(kind: str, resource: Found) -> Callable[[Account], None]:
    return lambda there: there.there[kind].append(resource)


def names_our_group(there: Account) -> None:
    group = one(there, "security_groups", "datalab-instances")["group_id"]
    rule = {"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "user_id_group_pairs": [{"group_id": group}]}
    there.there["security_groups"].append({**group_of_others("default"), "ip_permissions": [rule]})


def table_of_others(there: Account) -> None:
    there.there["route_tables"].append({"route_table_id": "rtb-9a", "routes": [], "associations": [], "tags": {}})


def peering_of_others(there: Account) -> None:
    ends = {"requester_vpc_info": {"vpc_id": "vpc-9a"}, "accepter_vpc_info": {"vpc_id": "vpc-0001"}}
    connection = {"vpc_peering_connection_id": "pcx-9a", "status": {"code": "active"}, "tags": {}}
    there.there["peerings"].append({**connection, **ends})


USES: list[tuple[Callable[[Account], None], str]] = [
    (add("interfaces", interface(SAGEMAKER)), f"eni-9a ({SAGEMAKER})"),
    (add("interfaces", interface("")), "eni-9a."),
    (names_our_group, "sg-9a (security group default, whose rules name sg-0005)"),
    (foreign_subnet("10.42.8.0/24"), "subnet-9a (subnet 10.42.8.0/24)"),
    (add("security_groups", group_of_others("datalab-storage")), "sg-9a (security group datalab-storage)"),
    (table_of_others, "rtb-9a (route table)"),
    (add("endpoints", endpoint_of_others("s3", "Gateway")), "vpce-9b (endpoint com.amazonaws.eu-central-1.s3)"),
    (foreign_gateway, "igw-9a (internet gateway)"),
    (peering_of_others, "pcx-9a (peering connection with vpc-9a)"),
]


@pytest.mark.parametrize(("use", "text"), USES, ids=[text for _use, text in USES])
def test_resources_that_others_use_stop_the_removal_or_are_kept(use: Callable[[Account], None], text: str) -> None:
    there = account(FEW)
    use(there)
    (sentence,) = removal(there).refused
    assert sentence.startswith(f"The network datalab (vpc-0001) is used by {text}")
    assert sentence.endswith("or set -e platform_destroy_keep_used=true to keep the network.")
    kept = removal(there, keep_used=True)
    assert not kept.changed
    assert not kept.refused
    assert not any(kept.steps.values())
    (note,) = kept.notes
    assert text.rstrip(".") in note
    assert note.endswith(", and is kept.")


def test_uses_that_do_not_count() -> None:
    there = account(FEW)
    there.there["security_groups"].append(group_of_others("default"))
    main = {"route_table_id": "rtb-9a", "routes": [], "associations": [{"main": True}], "tags": {}}
    there.there["route_tables"].append(main)
    there.there["endpoints"].append({**endpoint_of_others("kms"), "state": "deleted"})
    assert removal(there).refused == ()
    assert removal(there).changes == removal(there, keep_used=True).changes


@pytest.mark.parametrize(
    ("description", "leaving", "in_the_way"),
    [
        (SAGEMAKER, "datalab-alice", False),
        (SAGEMAKER, "datalab-al", True),
        (SAGEMAKER.replace("alice", "alice-2"), "datalab-alice", True),
        (MOUNT_TARGET, "fsmt-0123456789abcdef0", False),
        (MOUNT_TARGET, "fs-0123456789abcdef0", False),
        (MOUNT_TARGET, "fs-0123456789abcdef", True),
    ],
)
def test_resources_removed_before_the_network_are_no_obstacle(description: str, leaving: str, in_the_way: bool) -> None:
    there = account(FEW)
    there.there["interfaces"].append(interface(description))
    plan = removal(there, leaving)
    assert len(plan.refused) == in_the_way
    assert plan.ids["leaving"] == [leaving]
    assert len(plan.steps["waiting"]) == (not in_the_way)
    assert plan.changes


def test_the_interfaces_of_our_own_are_not_in_the_way() -> None:
    there = account(FULL)
    (nat,) = there.there["nat_gateways"]
    sts = one(there, "endpoints", "datalab-sts")
    ids = [nat["nat_gateway_addresses"][0]["network_interface_id"], *sts["network_interface_ids"]]
    there.there["interfaces"] = [{"network_interface_id": each, "description": "", "tags": {}} for each in ids]
    there.there["interfaces"].append(interface(f"VPC Endpoint Interface {sts['vpc_endpoint_id']}"))
    assert removal(there).refused == ()
    there.there["endpoints"][-1]["state"] = "deleting"
    nat["state"] = "deleting"
    texts = [item["text"] for item in removal(there).steps["waiting"]]
    assert texts[0] == "the endpoint of sts is being removed"
    assert texts[1] == "the NAT gateway is being removed"
    assert "VPC Endpoint Interface" in texts[2]


def test_resources_of_others_in_an_existing_vpc_are_no_obstacle() -> None:
    there = given_vpc()
    there.converge()
    ours = one(there, "security_groups", "datalab-storage")
    ours["group_name"] = "datalab-storage"
    there.there["security_groups"].append(group_of_others("theirs"))
    plan = removal(there)
    assert [change.text for change in plan.changes] == [
        "endpoint sts",
        "security group datalab-instances",
        "security group datalab-storage",
        "security group datalab-endpoints",
    ]
    assert not plan.refused
    there.there["interfaces"].append(interface(SAGEMAKER))  # only interfaces with our groups are read
    assert removal(there).refused
