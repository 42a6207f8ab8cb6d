# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plans that turn a network into the desired one, carried out on an account in memory."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network import (
    network_ids,
    wanted_to_read,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_draft import STEPS
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import (
    DEFAULTS,
    LAST,
    PEER,
    PREFIX_LIST,
    ROLE,
    STAGES,
    Account,
    Found,
    plan_with,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import (
    FEW,
    FULL,
    GIT,
    GIVEN,
    MARK,
    account,
    endpoint_of_others,
    given_vpc,
    one,
    texts,
)

# Creation


def test_an_empty_account() -> None:
    there = Account(FULL)
    plan = there.plan()
    assert [f"{change.action} {change.text}" for change in plan.changes] == [
        "create VPC 10.42.0.0/20",
        "create subnet 10.42.0.0/22 in zone a",
        "create subnet 10.42.4.0/22 in zone b",
        "create security group datalab-instances",
        "create security group datalab-storage",
        "create security group datalab-endpoints",
        f"create peering connection with {PEER}",
        "create subnet 10.42.15.240/28 in zone a",
        "create internet gateway",
        "create public address",
        "create NAT gateway",
        "create route table datalab-public",
        "create route 0.0.0.0/0 in datalab-public",
        "create route table datalab-private",
        "create route 0.0.0.0/0 in datalab-private",
        "create route 10.7.0.0/16 in datalab-private",
        "create flow log to acme-logs/datalab",
        "create endpoint s3",
        "create endpoint sts",
    ]
    tags = {"cost": "4711", **MARK}
    vpc = {"vpc_id": None, "name": "datalab-vpc", "cidr_block": "10.42.0.0/20", "tags": {"Name": "datalab-vpc", **tags}}
    address = {"mark": "datalab", "tags": {"Name": "datalab-nat", **tags}}
    steps = {name: items for name, items in plan.steps.items() if items and name != "later"}
    assert steps == {"vpcs": [vpc], "addresses": [address]}
    assert len(plan.steps["later"]) == len(plan.changes) - 2
    assert plan.ids == {
        "vpc_id": None,
        "subnet_ids": [None, None],
        "instances_security_group": None,
        "storage_security_group": None,
        "zones": {},
        "region": "eu-central-1",
    }


@pytest.mark.parametrize("settings", [DEFAULTS, FEW, FULL, FEW | {"endpoints": []}], ids=["all", "few", "full", "none"])
def test_it_converges_in_the_stages_of_the_role(settings: dict[str, Any]) -> None:
    there = account(settings)
    plan = there.plan()
    assert not plan.changed
    assert not any(plan.steps.values())
    subnets = [one(there, "subnets", f"datalab-private-{zone}")["subnet_id"] for zone in "ab"]
    assert plan.ids == {
        "vpc_id": there.there["vpcs"][0]["vpc_id"],
        "subnet_ids": subnets,
        "instances_security_group": one(there, "security_groups", "datalab-instances")["group_id"],
        "storage_security_group": one(there, "security_groups", "datalab-storage")["group_id"],
        "zones": dict(zip(subnets, ("eu-central-1a", "eu-central-1b"), strict=True)),
        "region": "eu-central-1",
    }


def test_all_that_is_created_has_the_tags() -> None:
    there = account(FULL)
    made_by_aws = default_group(there)
    tags = [each["tags"] for kind in there.there.values() for each in kind if each != made_by_aws]
    assert len(tags) == 16
    assert all(each["Name"].startswith("datalab-") and each["cost"] == "4711" for each in tags)
    assert all(each.items() >= MARK.items() for each in tags)


def default_group(there: Account) -> Found:
    group: Found
    (group,) = (each for each in there.there["security_groups"] if each["group_name"] == "default")
    return group


def test_the_group_that_aws_makes_with_a_vpc_is_closed() -> None:
    there = Account(FEW)
    there.carry_out(there.plan(), ["vpcs"])
    (change,) = [each for each in there.plan().changes if each.text == "rules of security group default"]
    assert change.before.split("\n") == [
        f"all protocols from {default_group(there)['group_id']}",
        "all protocols to 0.0.0.0/0",
    ]
    assert change.after == ""
    there.converge()
    assert (default_group(there)["ip_permissions"], default_group(there)["ip_permissions_egress"]) == ([], [])


def test_the_default_group_of_a_given_vpc_is_not_ours_to_close() -> None:
    there = given_vpc()
    theirs = there.default_group("vpc-9a")
    there.there["security_groups"].append(deepcopy(theirs))
    there.converge()
    assert default_group(there) == theirs


def rules(there: Account, group: str) -> tuple[list[str], list[str]]:
    """Return a group's rules for incoming and for outgoing traffic."""
    names = {each["group_id"]: each["group_name"] for each in there.there["security_groups"]}

    def plain(permissions: list[Found]) -> list[str]:
        keys = ("cidr_ip", "group_id", "prefix_list_id")
        kinds = ("ip_ranges", "user_id_group_pairs", "prefix_list_ids")
        return sorted(
            f"{each['from_port']}-{each['to_port']} {names.get(target[key], target[key])}"
            for each in permissions
            for kind in kinds
            for target in each.get(kind, [])
            for key in keys
            if key in target
        )

    found = one(there, "security_groups", f"datalab-{group}")
    return plain(found["ip_permissions"]), plain(found["ip_permissions_egress"])


def test_only_what_is_listed_goes_out() -> None:
    there = account(FEW)
    fixed = ["2049-2049 datalab-storage", "443-443 datalab-endpoints", f"443-443 {PREFIX_LIST}"]
    assert rules(there, "instances") == ([], fixed)
    assert rules(there, "storage") == (["2049-2049 datalab-instances"], [])
    assert rules(there, "endpoints") == (["443-443 datalab-instances"], [])
    there.there["endpoints"].append(endpoint_of_others("kms"))
    there.converge(nat=True, servers=[GIT])
    (git,) = {
        target.get("description")
        for each in one(there, "security_groups", "datalab-instances")["ip_permissions_egress"]
        for target in each["ip_ranges"]
        if target["cidr_ip"] == GIT["cidr"]
    }
    assert git == "Git"
    more = ["443-443 0.0.0.0/0", "443-443 10.1.2.0/24", "443-443 sg-9a", "8000-8080 10.1.2.0/24"]
    assert rules(there, "instances") == ([], sorted(fixed + more))


def test_where_the_private_subnets_lead_to() -> None:
    there = account(FULL)
    routes = one(there, "route_tables", "datalab-private")["routes"]
    (nat,), (peering,) = there.there["nat_gateways"], there.there["peerings"]
    targets = {route.get("destination_cidr_block", route.get("destination_prefix_list_id")): route for route in routes}
    assert targets["0.0.0.0/0"]["nat_gateway_id"] == nat["nat_gateway_id"]
    assert targets["10.7.0.0/16"]["vpc_peering_connection_id"] == peering["vpc_peering_connection_id"]
    assert set(targets) == {"10.42.0.0/20", "0.0.0.0/0", "10.7.0.0/16", PREFIX_LIST}


def test_the_tasks_do_every_step() -> None:
    tasks = {path.name: path.read_text() for path in (ROLE / "tasks").glob("*.yml")}
    loops = {name for text in tasks.values() for name in re.findall(r'"{{ _platform_network_steps\.(\w+) }}"', text)}
    assert loops == set(STEPS) - {"waiting", "later"}
    assert sorted(loops) == sorted([*(name for stage in STAGES for name in stage), *LAST])
    main = yaml.safe_load(tasks["main.yml"])
    stages = [task["ansible.builtin.include_tasks"] for task in main[-1]["block"]]
    in_order = [tasks["vpc.yml"], tasks["remove_endpoints.yml"], *(tasks[stage] for stage in stages[1:])]
    stage_of = {name: n for n, text in enumerate(in_order) for name in loops if f"_steps.{name} }}" in text}
    for earlier, later in pairwise(STAGES):
        assert max(stage_of[name] for name in earlier) < min(stage_of[name] for name in later)


# Resources that are no longer wanted


def test_less_is_wanted() -> None:
    there = account(FULL)
    before = {kind: len(each) for kind, each in account(FEW).there.items()}
    less = {"nat": False, "peerings": [], "servers": [], "tags": {}, "flow_log": {}}
    foreign = {"destination_cidr_block": "10.9.0.0/16", "origin": "CreateRoute", "transit_gateway_id": "tgw-1"}
    table = one(there, "route_tables", "datalab-private")
    table["routes"].append(foreign)
    plan = there.plan(**less)
    assert [f"{change.action} {change.text}" for change in plan.changes] == [
        f"remove peering connection with {PEER}",
        "remove route 0.0.0.0/0 in datalab-private",
        "remove route 10.7.0.0/16 in datalab-private",
        "remove NAT gateway",
        f"remove public address {there.there['addresses'][0]['public_ip']}",
        "remove route table datalab-public",
        "remove subnet 10.42.15.240/28",
        "remove internet gateway",
        "remove flow log to acme-logs/datalab",
        "change rules of security group datalab-instances",
    ]
    assert plan.steps["routes"][0]["routes"] == [{"dest": "10.9.0.0/16", "transit_gateway_id": "tgw-1"}]
    assert there.converge().changes == ()
    assert foreign in table["routes"]
    assert {kind: len(each) for kind, each in there.there.items() if kind != "peerings"} == {
        kind: count for kind, count in before.items() if kind != "peerings"
    }
    assert texts(there, endpoints=["s3"]) == ["remove endpoint sts"]


def test_a_subnet_that_is_not_listed_stays() -> None:
    there = account(FEW)
    plan = there.plan(subnets=[*FEW["subnets"][1:], {"cidr": "10.42.8.0/24", "zone": "c"}])
    assert [change.text for change in plan.changes] == ["subnet 10.42.8.0/24 in zone c"]
    assert plan.notes == (
        "Subnet 10.42.0.0/22 is not in platform_network_subnets and is kept: instances may be there.",
    )
    assert there.converge().changes == ()
    assert plan.ids["subnet_ids"] == [one(there, "subnets", "datalab-private-b")["subnet_id"], None]


# Resources of others


def test_resources_of_others_are_used_and_not_changed() -> None:
    there = account(FEW | {"endpoints": ["s3"]})
    there.there["endpoints"].append(endpoint_of_others("sts"))
    theirs = {"vpc_peering_connection_id": "pcx-9a", "status": {"code": "active"}, "tags": {}}
    ends = {"requester_vpc_info": {"vpc_id": PEER}, "accepter_vpc_info": {"vpc_id": there.there["vpcs"][0]["vpc_id"]}}
    there.there["peerings"].append({**theirs, **ends})
    wanted = {"endpoints": ["s3", "sts"], "peerings": FULL["peerings"]}
    assert texts(there, **wanted) == [
        "create route 10.7.0.0/16 in datalab-private",
        "change rules of security group datalab-instances",
    ]
    assert there.converge().changes == ()
    (table,) = there.there["route_tables"]
    table["routes"].append({"destination_cidr_block": "0.0.0.0/0", "origin": "CreateRoute", "nat_gateway_id": "nat-9a"})
    (step,) = there.plan().steps["routes"]
    assert step["routes"] == [{"dest": "10.7.0.0/16", "vpc_peering_connection_id": "pcx-9a"}]
    assert step["purge_routes"]
    assert there.converge().changes == ()
    assert texts(there, peerings=[], endpoints=["s3"]) == []


def test_s3_leads_from_the_private_subnets_whatever_others_have() -> None:
    there = account(FEW | {"endpoints": []})
    there.there["endpoints"].append(endpoint_of_others("s3", "Gateway"))
    assert texts(there, endpoints=["s3"]) == ["create endpoint s3", "change rules of security group datalab-instances"]
    assert there.converge().changes == ()


def test_a_connection_to_another_account_and_region() -> None:
    there = account(FEW)
    vpc_id = there.there["vpcs"][0]["vpc_id"]
    far = {"vpc_id": "vpc-0c", "cidr": "10.8.0.0/16", "owner": "123456789012", "region": "eu-west-1"}
    steps = there.plan(peerings=[*FULL["peerings"], far]).steps["peerings"]
    assert [{key: value for key, value in step.items() if key != "tags"} for step in steps] == [
        {"vpc_id": vpc_id, "peer_vpc_id": PEER, "peer_owner_id": None, "peer_region": None},
        {"vpc_id": vpc_id, "peer_vpc_id": "vpc-0c", "peer_owner_id": "123456789012", "peer_region": "eu-west-1"},
    ]


def test_routes_of_others_in_the_public_subnet_stay() -> None:
    there = account(FULL)
    theirs = {"vpc_peering_connection_id": there.there["peerings"][0]["vpc_peering_connection_id"]}
    route = {"destination_cidr_block": "10.7.0.0/16", "origin": "CreateRoute", **theirs}
    one(there, "route_tables", "datalab-public")["routes"].append(route)
    assert texts(there) == []


def test_only_gateways_of_s3_lead_to_s3() -> None:
    there = account(FEW | {"endpoints": ["s3"]})
    there.there["endpoints"] += [
        endpoint_of_others("dynamodb", "Gateway", "vpce-9c"),
        endpoint_of_others("s3", "Interface", "vpce-9d") | {"groups": [], "route_table_ids": ["rtb-9a"]},
    ]
    route = {"destination_prefix_list_id": "pl-9a", "gateway_id": "vpce-9c", "origin": "CreateRoute"}
    table = one(there, "route_tables", "datalab-private")
    table["routes"].append(route)
    assert texts(there) == []
    table["routes"][-2]["gateway_id"] = "vpce-9d"  # as if the route to S3 led to an interface endpoint
    assert texts(there) == ["change rules of security group datalab-instances"]


def test_a_given_vpc() -> None:
    there = given_vpc()
    assert texts(there) == [
        "create security group datalab-instances",
        "create security group datalab-storage",
        "create security group datalab-endpoints",
        "create endpoint sts",
    ]
    assert there.converge().changes == ()
    expected = ["2049-2049 datalab-storage", "443-443 datalab-endpoints", f"443-443 {PREFIX_LIST}", "443-443 sg-9a"]
    assert rules(there, "instances") == ([], expected)
    made = [each for kind in there.there.values() for each in kind if each["tags"]]
    assert len(made) == 4
    assert made[-1]["subnet_ids"] == ["subnet-9b", "subnet-9a"]
    plan = there.plan()
    assert plan.ids["subnet_ids"] == ["subnet-9b", "subnet-9a"]
    assert plan.ids["zones"] == {"subnet-9b": "eu-central-1b", "subnet-9a": "eu-central-1a"}
    assert there.remove().changes == ()
    assert [each for kind in there.there.values() for each in kind if each["tags"]] == []


# Reads


def test_what_is_read() -> None:
    assert wanted_to_read(FEW) == {
        "place": {"tag:datalab:network": "datalab"},
        "made": True,
        "groups": ["datalab-instances", "datalab-storage", "datalab-endpoints"],
        "services": ["s3", "sts"],
        "removal": False,
        "ids_only": False,
    }
    removal = wanted_to_read(GIVEN, removal=True)
    assert (removal["place"], removal["made"], removal["services"]) == ({"vpc-id": "vpc-9a"}, False, [])
    assert wanted_to_read(FEW, ids_only=True)["ids_only"]


@pytest.mark.parametrize("there", [account(FULL), given_vpc(), Account(FEW)], ids=["made", "given", "none"])
def test_ids_need_subnets_and_groups_only(there: Account) -> None:
    found = {key: there.read()[key] for key in ("region", "subnets", "security_groups")}
    ids = there.plan().ids
    assert network_ids(there.settings, found) == ids
    plan = plan_with(there.settings, found)
    assert plan.ids == ids
    assert not plan.changed
