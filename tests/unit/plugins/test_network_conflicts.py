# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences from the settings that AWS cannot change, or that are not ours to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import Account, plan_with
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import (
    FEW,
    FULL,
    account,
    foreign_gateway,
    foreign_route,
    foreign_subnet,
    given_vpc,
    group_of_others,
    nothing,
    second_vpc,
)


def subnets(*networks: str, zones: str) -> dict[str, Any]:
    return {"subnets": [{"cidr": cidr, "zone": zone} for cidr, zone in zip(networks, zones, strict=True)]}


CONFLICTS: list[tuple[Callable[[Account], None], dict[str, Any], str]] = [
    (second_vpc, {}, "platform_network_name vpc-0001 vpc-9a datalab:network=datalab"),
    (nothing, {"cidr": "10.42.0.0/19"}, "platform_network_cidr 10.42.0.0/19 vpc-0001 10.42.0.0/20"),
    (nothing, subnets("10.42.4.0/22", "10.42.8.0/22", zones="ac"),
     "platform_network_subnets 10.42.4.0/22 a eu-central-1b move"),
    (nothing, subnets("10.42.0.0/22", "10.42.8.0/22", zones="af"), "platform_network_subnets zone f a, b, c"),
    (foreign_subnet("10.42.8.0/24"), subnets("10.42.0.0/22", "10.42.8.0/24", zones="ac"),
     "platform_network_subnets 10.42.8.0/24 subnet-9a datalab:network=datalab"),
    (foreign_subnet("10.42.15.240/28"), {"nat": True}, "platform_network_nat_cidr 10.42.15.240/28 subnet-9a"),
    (foreign_gateway, {"nat": True}, "platform_network_nat vpc-0001 igw-9a"),
    (foreign_route("0.0.0.0/0", transit_gateway_id="tgw-1"), {"nat": True}, "platform_network_nat 0.0.0.0/0 tgw-1"),
    (foreign_route("10.7.0.0/16", transit_gateway_id="tgw-1"), {"peerings": FULL["peerings"]},
     "platform_network_peerings 10.7.0.0/16 tgw-1"),
    (nothing, {"endpoints": ["s3", "coffee"]}, "platform_network_endpoints coffee eu-central-1"),
]  # fmt: skip


@pytest.mark.parametrize(("drift", "changes", "words"), CONFLICTS, ids=[words for _drift, _changes, words in CONFLICTS])
def test_differences_that_cannot_be_changed_are_refused(
    drift: Callable[[Account], None], changes: dict[str, Any], words: str
) -> None:
    there = account(FEW)
    drift(there)
    assert there.plan().refused == () or not changes
    (sentence,) = there.plan(**changes).refused
    variable, *rest = words.split()
    assert sentence.startswith(variable)
    assert [word for word in rest if word not in sentence] == []


def test_a_gateway_of_another_vpc_and_a_route_of_ours_are_no_conflicts() -> None:
    there = account(FULL)
    foreign_gateway(there)
    there.there["internet_gateways"][-1]["attachments"] = [{"vpc_id": "vpc-9a"}]
    assert there.plan().refused == ()
    foreign_route("10.8.0.0/16", transit_gateway_id="tgw-1")(there)
    other = {"vpc_id": "vpc-0c", "cidr": "10.8.0.0/16"}
    (sentence,) = there.plan(peerings=[*FULL["peerings"], other]).refused
    assert sentence.startswith("platform_network_peerings has 10.8.0.0/16, but ")


def test_the_network_of_a_nat_gateway_cannot_change() -> None:
    (sentence,) = account(FULL).plan(nat_cidr="10.42.15.0/28").refused
    assert "platform_network_nat_cidr is 10.42.15.0/28, but the NAT gateway is in 10.42.15.240/28" in sentence


@pytest.mark.parametrize("zones", [["eu-central-1c"], []])
def test_a_service_is_not_offered_where_it_is_wanted(zones: list[str]) -> None:
    there = Account(FEW)
    found = there.read()
    for service in found["services"]:
        service["availability_zones"] = zones
    (sentence,) = plan_with(FEW, found).refused
    assert sentence.startswith("platform_network_endpoints has sts, which AWS offers in ")


def test_a_service_is_not_offered_in_this_way() -> None:
    found = Account(FEW).read()
    for service in found["services"]:
        service["service_type"] = [{"service_type": "GatewayLoadBalancer"}]
    s3, sts = plan_with(FEW, found).refused
    assert s3 == (
        "platform_network_endpoints has s3, which AWS does not offer as a gateway endpoint in eu-central-1. Remove it."
    )
    assert "has sts, which AWS does not offer as an interface endpoint in eu-central-1. Remove it." in sts


def given_without(**changes: Any) -> Callable[[Account], None]:
    return lambda there: there.there["vpcs"][0].update(changes)


@pytest.mark.parametrize(
    ("drift", "changes", "words"),
    [
        (nothing, {}, ""),
        (lambda there: there.there.update(vpcs=[], subnets=[]), {}, "platform_network_vpc_id vpc-9a account region"),
        (given_without(enable_dns_support=False), {}, "platform_network_vpc_id DNS support"),
        (given_without(enable_dns_hostnames=False), {"endpoints": ["default"]}, ""),
        (given_without(enable_dns_hostnames=False), {}, "platform_network_vpc_id DNS host platform_network_endpoints"),
        (nothing, {"subnet_ids": ["subnet-9a", "subnet-9d"]}, "platform_network_subnet_ids subnet-9d vpc-9a"),
        (
            lambda there: there.there["subnets"][1].update(availability_zone="eu-central-1a"),
            {},
            "platform_network_subnet_ids subnet-9a subnet-9b both eu-central-1a",
        ),
        (
            lambda there: there.there["security_groups"].append(group_of_others("datalab-storage")),
            {},
            "platform_network_name datalab-storage Rename",
        ),
        (lambda there: there.there["security_groups"].append(group_of_others("default")), {}, ""),
    ],
)
def test_differences_of_an_existing_vpc(drift: Callable[[Account], None], changes: dict[str, Any], words: str) -> None:
    there = given_vpc()
    drift(there)
    refused = there.plan(**changes).refused
    assert len(refused) == bool(words)
    assert [word for word in words.split() if word not in refused[0]] == []
