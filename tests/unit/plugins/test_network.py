# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role platform_network says against its settings, alone and beside what AWS has; and its interface."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.filter.network_conflicts import network_conflicts
from ansible_collections.datalab.notebooks.plugins.filter.network_problems import network_problems

ROLE = Path(__file__).parents[3] / "roles" / "platform_network"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
DEPENDS_ON_THE_VPC = "platform_network_endpoints"
USED = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["_platform_network_settings"]

MADE = {name.removeprefix("platform_network_"): value for name, value in DEFAULTS.items()} | {
    "endpoints": ["s3", "sts"]
}
VPC = "vpc-0123456789abcdef0"
GIVEN = MADE | {"vpc_id": VPC, "subnet_ids": ["subnet-0a", "subnet-0b"], "endpoints": []}
PEER = {"vpc_id": "vpc-0a1b", "cidr": "10.1.0.0/16"}
SERVER = {"cidr": "10.1.2.3/32", "ports": [443, "8000-8080"], "description": "Git, at [10.1.2.3]: the old one"}


def subnets(*networks: str, zones: str = "abcdef") -> dict[str, Any]:
    return {"subnets": [{"cidr": cidr, "zone": zone} for cidr, zone in zip(networks, zones, strict=False)]}


def server(**changes: Any) -> dict[str, Any]:
    return {"servers": [SERVER | changes]}


def peering(**changes: Any) -> dict[str, Any]:
    return {"peerings": [PEER | changes]}


# What is changed, and all of the words that are said against it.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "data_lab"}, "platform_network_name data_lab letters"),
    ({"name": "sg-data"}, "platform_network_name sg-data beginning"),
    ({"name": "a" * 64}, "platform_network_name 63"),
    ({"name": "datalab\n"}, "platform_network_name"),
    ({"tags": {"Name": "x"}}, "platform_network_tags Name reserved"),
    ({"tags": {"datalab:network": "x"}}, "platform_network_tags datalab:network reserved"),
    ({"tags": {"aws:x": "x"}}, "platform_network_tags aws:x reserved"),
    ({"tags": {"k" * 129: "x"}}, "platform_network_tags 128"),
    ({"tags": {"k": "v" * 257}}, "platform_network_tags 256"),
    ({"tags": {f"k{n}": "" for n in range(49)}}, "platform_network_tags 49 48"),
    ({"endpoints": ["s3", "sagemaker.apis"]}, "platform_network_endpoints sagemaker.apis mean sagemaker.api?"),
    ({"endpoints": ["zzz"]}, "platform_network_endpoints zzz com.amazonaws.eu-central-1.kms"),
    ({"endpoints": ["sts", "s3", "sts"]}, "platform_network_endpoints sts twice"),
    ({"cidr": "10.42.0.0"}, "platform_network_cidr 10.42.0.0/20"),
    ({"cidr": "10.42.0.0/33"}, "platform_network_cidr 10.42.0.0/33 /16"),
    ({"cidr": "10.0.0.0/8"}, "platform_network_cidr 10.0.0.0/8 /16 /28"),
    ({"cidr": "10.42.0.1/20"}, "platform_network_cidr 10.42.0.1/20 mean 10.42.0.0/20?"),
    ({"cidr": "fd00::/64"}, "platform_network_cidr fd00::/64"),
    (subnets("10.42.0.0/22", "10.43.0.0/22"), "platform_network_subnets 10.43.0.0/22 outside 10.42.0.0/20"),
    (subnets("10.42.0.0/16", "10.42.4.0/22"), "platform_network_subnets 10.42.0.0/16 outside"),
    (subnets("10.42.0.0/22", "10.42.3.0/24"), "platform_network_subnets 10.42.3.0/24 overlaps 10.42.0.0/22"),
    (subnets("10.42.0.0/22", "10.42.0.0/22"), "platform_network_subnets 10.42.0.0/22 twice"),
    (subnets("10.42.0.0/22", "10.42.4.0/29"), "platform_network_subnets 10.42.4.0/29 /28"),
    (subnets("10.42.0.0/22", "10.42.4.1/22"), "platform_network_subnets 10.42.4.1/22 mean 10.42.4.0/22?"),
    (subnets("10.42.0.0/22"), "platform_network_subnets 1 zones two or more"),
    (subnets(), "platform_network_subnets 0 zones"),
    (subnets("10.42.0.0/22", "10.42.4.0/22", "10.42.8.0/22", zones="aba"), "platform_network_subnets a twice mount"),
    (subnets("10.42.0.0/22", "10.42.4.0/22", zones=["a", "eu-central-1b"]), "platform_network_subnets letter"),  # type: ignore[arg-type]
    ({"nat": True, "nat_cidr": "10.43.0.0/28"}, "platform_network_nat_cidr 10.43.0.0/28 outside"),
    ({"nat": True, "nat_cidr": "10.42.0.0/28"}, "platform_network_nat_cidr 10.42.0.0/28 overlaps 10.42.0.0/22"),
    ({"nat": True, "nat_cidr": ""}, "platform_network_nat_cidr network"),
    (peering(vpc_id="vpc_1"), "platform_network_peerings vpc_1 vpc-"),
    (peering(cidr="10.1.0.0"), "platform_network_peerings 10.1.0.0"),
    (peering(cidr="10.42.8.0/24"), "platform_network_peerings 10.42.8.0/24 overlaps platform_network_cidr"),
    (peering(cidr="10.0.0.0/8"), "platform_network_peerings 10.0.0.0/8 overlaps"),
    (peering(owner=12345678901), "platform_network_peerings 12345678901 twelve quotes"),
    ({"peerings": [PEER, PEER | {"cidr": "10.2.0.0/16"}]}, "platform_network_peerings vpc-0a1b twice"),
    ({"peerings": [PEER, PEER | {"vpc_id": "vpc-0c"}]}, "platform_network_peerings 10.1.0.0/16 twice"),
    (server(cidr="10.1.2.3"), "platform_network_servers 10.1.2.3/32"),
    (server(cidr="10.1.2.3/24"), "platform_network_servers 10.1.2.3/24 mean 10.1.2.0/24?"),
    (server(cidr="git.example.com/32"), "platform_network_servers git.example.com"),
    (server(cidr="10.42.4.0/24"), "platform_network_servers 10.42.4.0/24 inside platform_network_cidr"),
    (server(description="Größe"), "platform_network_servers Größe letters"),
    (server(description="x" * 256), "platform_network_servers 255"),
    (server(ports=[]), "platform_network_servers ports 10.1.2.3/32"),
    (server(ports=[0]), "platform_network_servers 0 65535"),
    (server(ports=[65536]), "platform_network_servers 65536"),
    (server(ports=["89-80"]), "platform_network_servers 89-80"),
    (server(ports=["https"]), "platform_network_servers https"),
    ({"servers": [SERVER, SERVER | {"ports": [443]}]}, "platform_network_servers 443 10.1.2.3/32 twice"),
    ({"nat": True, **server(cidr="0.0.0.0/0", ports=[443])}, "platform_network_servers 443 platform_network_nat"),
    ({"subnet_ids": ["subnet-0a", "subnet-0b"]}, "platform_network_subnet_ids platform_network_vpc_id both"),
    (GIVEN | {"vpc_id": "datalab"}, "platform_network_vpc_id datalab vpc-0123456789abcdef0"),
    (GIVEN | {"subnet_ids": []}, "platform_network_vpc_id platform_network_subnet_ids two or more"),
    (GIVEN | {"subnet_ids": ["subnet-0a"]}, "platform_network_subnet_ids two or more"),
    (GIVEN | {"subnet_ids": ["subnet-0a", "subnet-0a"]}, "platform_network_subnet_ids subnet-0a twice"),
    (GIVEN | {"subnet_ids": ["subnet-0a", "a"]}, "platform_network_subnet_ids a ids like subnet-"),
    (GIVEN | {"nat": True}, "platform_network_nat routes yours"),
    (GIVEN | {"peerings": [PEER]}, "platform_network_peerings routes yours"),
    (GIVEN | {"endpoints": ["s3"]}, "platform_network_endpoints s3 routes yours"),
    (GIVEN | {"endpoints": ["com.amazonaws.eu-central-1.s3"]}, "platform_network_endpoints s3 routes"),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    GIVEN,
    GIVEN | {"endpoints": ["sts"], **server(cidr="10.42.4.0/24")},  # whose network is not known before the first call
    {"endpoints": []},
    {"endpoints": ["com.amazonaws.eu-central-1.kms", "cn.com.amazonaws.cn-north-1.sts"]},
    {"nat": True},
    {"nat_cidr": "nonsense"},  # which nobody looks at
    server(),
    server(cidr="10.0.0.0/8"),  # the whole company, and the VPC with it
    {"nat": True, **server(cidr="0.0.0.0/0", ports=[22])},
    peering(owner="012345678901", region="eu-west-1"),
    {"peerings": [PEER, {"vpc_id": "vpc-0c", "cidr": "10.1.4.0/24"}]},  # the more exact route wins
    {"tags": {f"k{n}": "v" * 256 for n in range(48)}, "name": "a" * 63},
    subnets(*(f"10.42.{4 * n}.0/23" for n in range(4))),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED, ids=[words for _changes, words in REFUSED])
def test_what_cannot_work_is_refused_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    (said,) = network_problems(MADE | changes)
    assert [word for word in words.split() if word not in said] == []


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_what_can_work_is_accepted(changes: dict[str, Any]) -> None:
    assert network_problems(MADE | changes) == []


def test_all_problems_are_said_at_once() -> None:
    said = network_problems(
        MADE | {"name": "", "endpoints": ["x"], "cidr": "x", **server(ports=[]), "tags": {"Name": ""}}
    )
    assert len(said) == 5


NETWORKS = st.tuples(st.integers(0, 2**12 - 1), st.integers(16, 30)).map(
    lambda drawn: str(
        IPv4Network((int(IPv4Network("10.42.0.0/20").network_address) + drawn[0], drawn[1]), strict=False)
    )
)


@given(NETWORKS, NETWORKS)
def test_two_subnets_are_accepted_if_they_are_parts_of_the_vpc_and_share_nothing(one: str, other: str) -> None:
    vpc, first, second = (IPv4Network(network) for network in ("10.42.0.0/20", one, other))
    assume(max(first.prefixlen, second.prefixlen) <= 28)
    inside = all(network[0] >= vpc[0] and network[-1] <= vpc[-1] for network in (first, second))
    apart = first[-1] < second[0] or second[-1] < first[0]
    assert (network_problems(MADE | subnets(one, other)) == []) == (inside and apart)


def vpc(**changes: Any) -> dict[str, Any]:
    there = {"vpc_id": VPC, "cidr_block": "10.42.0.0/20", "enable_dns_support": True, "enable_dns_hostnames": True}
    return there | changes


def subnet(number: str, zone: str, cidr: str, name: str = "") -> dict[str, Any]:
    tags = {"Name": name} if name else {}
    return {
        "subnet_id": f"subnet-{number}",
        "availability_zone": f"eu-central-1{zone}",
        "cidr_block": cidr,
        "tags": tags,
    }


NOTHING: dict[str, Any] = {"vpcs": [], "subnets": [], "groups": [], "zones": [], "missing": [], "services": []}
ZONES = [{"zone_name": f"eu-central-1{zone}", "region_name": "eu-central-1"} for zone in "abc"]
BOTH = [subnet("0a", "a", "10.42.0.0/22"), subnet("0b", "b", "10.42.4.0/22")]
THERE = NOTHING | {"vpcs": [vpc()], "subnets": BOTH}
THEIRS = {"group_name": "datalab-storage", "vpc_id": VPC, "tags": {"Name": "x"}}
OURS = THEIRS | {"tags": {"datalab:network": "datalab"}}
NAT = BOTH[0] | {"cidr_block": "10.42.15.0/28", "tags": {"Name": "datalab-public"}}

# What is asked for and what is there; and the words of what is said, or none.
CONFLICTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, NOTHING | {"zones": ZONES, "missing": ["sts"], "services": ["sts"]}, ""),
    ({}, THERE, ""),
    ({}, NOTHING | {"zones": ZONES, "missing": ["sts"]}, "platform_network_endpoints sts eu-central-1"),
    ({}, THERE | {"vpcs": [vpc(), vpc(vpc_id="vpc-1")]}, f"{VPC} vpc-1 datalab:network=datalab"),
    ({"cidr": "10.42.0.0/19"}, THERE, f"platform_network_cidr 10.42.0.0/19 {VPC} 10.42.0.0/20 platform_network_name"),
    (subnets("10.42.4.0/22", "10.42.8.0/22", zones="ab"), THERE, "10.42.4.0/22 a eu-central-1b move"),
    (subnets("10.42.0.0/22", "10.42.8.0/22", zones="af"), THERE | {"zones": ZONES}, "zone f a, b, c"),
    ({}, THERE | {"groups": [OURS]}, ""),
    ({}, THERE | {"groups": [THEIRS]}, f"{VPC} datalab-storage platform_network_name"),
    ({}, THERE | {"groups": [THEIRS | {"group_name": "default"}]}, ""),
    ({"nat": True}, THERE | {"subnets": [*BOTH, NAT]}, "platform_network_nat_cidr 10.42.15.240/28 10.42.15.0/28 false"),
    ({}, THERE | {"subnets": [*BOTH, NAT]}, ""),
    (GIVEN, THERE, ""),
    (GIVEN, NOTHING, f"platform_network_vpc_id {VPC} region"),
    (GIVEN, THERE | {"vpcs": [vpc(enable_dns_support=False)]}, "platform_network_vpc_id DNS support"),
    (GIVEN, THERE | {"vpcs": [vpc(enable_dns_hostnames=False)]}, ""),
    (
        GIVEN | {"endpoints": ["sts"]},
        THERE | {"vpcs": [vpc(enable_dns_hostnames=False)]},
        "platform_network_endpoints DNS host names",
    ),
    (GIVEN, THERE | {"subnets": BOTH[:1]}, "platform_network_subnet_ids subnet-0b not"),
    (
        GIVEN,
        THERE | {"subnets": [BOTH[0], BOTH[1] | {"availability_zone": "eu-central-1a"}]},
        "platform_network_subnet_ids subnet-0a subnet-0b both eu-central-1a",
    ),
    (GIVEN, THERE | {"groups": [THEIRS]}, "datalab-storage"),
]


@pytest.mark.parametrize(("changes", "found", "words"), CONFLICTS)
def test_what_aws_has_otherwise(changes: dict[str, Any], found: dict[str, Any], words: str) -> None:
    said = network_conflicts(MADE | changes, found)
    assert len(said) == bool(words)
    assert [word for word in words.split() if word not in said[0]] == []


def test_argument_specs_agree_with_defaults() -> None:
    options = SPECS["main"]["options"]
    assert list(options) == list(DEFAULTS)
    assert {name: option["default"] for name, option in options.items() if name != DEPENDS_ON_THE_VPC} == {
        name: value for name, value in DEFAULTS.items() if name != DEPENDS_ON_THE_VPC
    }
    assert SPECS["absent"]["options"] == options


def test_every_setting_is_checked() -> None:
    assert {f"platform_network_{name}" for name in USED} == set(DEFAULTS) - {"platform_network_wait_timeout"}
