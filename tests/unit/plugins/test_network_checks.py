# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in the settings of a network, before the first call, and the interface of the role."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.network import SERVICES, problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_found import (
    DEFAULT_ENDPOINTS,
    wanted_services,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.roster import Inventory
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import role_results
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import unknown_variables
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import DEFAULTS, ROLE

SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = {name.removeprefix("platform_network_"): option for name, option in SPECS["main"]["options"].items()}

VPC = "vpc-0123456789abcdef0"
GIVEN = {"vpc_id": VPC, "subnet_ids": ["subnet-0a", "subnet-0b"]}
PEER = {"vpc_id": "vpc-0a1b", "cidr": "10.1.0.0/16"}
SERVER = {"cidr": "10.1.2.3/32", "ports": [443, "8000-8080"], "description": "Git, at [10.1.2.3]: the old one"}


def said(changes: dict[str, Any]) -> list[str]:
    return list(problems(DEFAULTS | changes))


def subnets(*networks: str, zones: str = "abcdef") -> dict[str, Any]:
    return {"subnets": [{"cidr": cidr, "zone": zone} for cidr, zone in zip(networks, zones, strict=False)]}


def server(**changes: Any) -> dict[str, Any]:
    return {"servers": [SERVER | changes]}


def peering(**changes: Any) -> dict[str, Any]:
    return {"peerings": [PEER | changes]}


def flow_log(prefix: str) -> dict[str, Any]:
    return {"flow_log": {"bucket": "acme-logs", "prefix": prefix}}


# The changed setting, and words of the message about it.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "data_lab"}, "platform_network_name data_lab must letters"),
    ({"name": "sg-data"}, "platform_network_name sg-data begin"),
    ({"name": "a" * 64}, "platform_network_name 63"),
    ({"name": "datalab\n"}, "platform_network_name"),
    ({"endpoints": ["s3", "sagemaker.apis"]}, "platform_network_endpoints sagemaker.apis mean sagemaker.api?"),
    ({"endpoints": ["zzz"]}, "platform_network_endpoints zzz com.amazonaws.eu-central-1.kms"),
    ({"endpoints": ["sts", "s3", "sts"]}, "platform_network_endpoints sts twice"),
    ({"endpoints": ["default", "sts"]}, "platform_network_endpoints sts twice default"),
    ({"endpoints": ["kms", "com.amazonaws.eu-central-1.kms"]}, "platform_network_endpoints kms twice"),
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
    (peering(owner="12345678901"), "platform_network_peerings 12345678901 twelve quotes"),
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
    (server(ports=[443, "443-443"]), "platform_network_servers 443 10.1.2.3/32 twice"),
    (server(ports=["9" * 5000]), "platform_network_servers 65535"),
    (server(cidr="10.0.0.0/255.0.0.0"), "platform_network_servers mean 10.0.0.0/8?"),
    ({"wait_timeout": 0}, "platform_network_wait_timeout 0 1"),
    ({"nat": True, **server(cidr="0.0.0.0/0", ports=[443])}, "platform_network_servers 443 platform_network_nat"),
    ({"subnet_ids": ["subnet-0a", "subnet-0b"]}, "platform_network_subnet_ids platform_network_vpc_id neither"),
    (GIVEN | {"vpc_id": "datalab"}, "platform_network_vpc_id datalab vpc-0123456789abcdef0"),
    (GIVEN | {"subnet_ids": []}, "platform_network_subnet_ids platform_network_vpc_id two or more"),
    (GIVEN | {"subnet_ids": ["subnet-0a"]}, "platform_network_subnet_ids two or more"),
    (GIVEN | {"subnet_ids": ["subnet-0a", "subnet-0a"]}, "platform_network_subnet_ids subnet-0a twice"),
    (GIVEN | {"subnet_ids": ["subnet-0a", "a"]}, "platform_network_subnet_ids a ids like subnet-"),
    (GIVEN | {"nat": True}, "platform_network_nat routes yours"),
    (GIVEN | {"peerings": [PEER]}, "platform_network_peerings routes yours"),
    (GIVEN | {"flow_log": {"bucket": "acme-logs"}}, "platform_network_flow_log log the traffic yours"),
    ({"flow_log": {"prefix": "network"}}, "platform_network_flow_log no bucket {}"),
    ({"flow_log": {"bucket": ""}}, "platform_network_flow_log no bucket {}"),
    ({"flow_log": {"bucket": "s3://acme-logs"}}, "platform_network_flow_log bucket s3://acme-logs without"),
    ({"flow_log": {"bucket": "acme-logs/network"}}, "platform_network_flow_log acme-logs/network without folder"),
    (flow_log("/network"), "platform_network_flow_log prefix /network network/datalab"),
    (flow_log("a//b"), "platform_network_flow_log prefix a//b network/datalab"),
    (flow_log("a b"), "platform_network_flow_log a letters"),
    (flow_log("network/AWSLogs/"), "platform_network_flow_log network/AWSLogs/ adds itself"),
    (GIVEN | {"endpoints": ["s3"]}, "platform_network_endpoints s3 routes yours"),
    (GIVEN | {"endpoints": ["com.amazonaws.eu-central-1.s3"]}, "platform_network_endpoints s3 routes"),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    GIVEN,
    GIVEN | {"endpoints": ["sts"], **server(cidr="10.42.4.0/24")},  # the VPC's range is unknown before the first call
    {"endpoints": []},
    {"flow_log": {"bucket": "acme-logs", "traffic": "REJECT"}},
    flow_log("network/data_lab.2-x/"),
    flow_log(""),
    {"endpoints": ["com.amazonaws.eu-central-1.kms", "cn.com.amazonaws.cn-north-1.sts"]},
    {"nat": True},
    {"nat_cidr": "nonsense"},  # not read without nat
    server(),
    server(cidr="10.0.0.0/8"),  # the whole company, which includes the VPC
    {"nat": True, **server(cidr="0.0.0.0/0", ports=[22])},
    peering(owner="012345678901", region="eu-west-1"),
    {"peerings": [PEER, {"vpc_id": "vpc-0c", "cidr": "10.1.4.0/24"}]},  # the more specific route wins
    {"name": "a" * 63},
    subnets(*(f"10.42.{4 * n}.0/23" for n in range(4))),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED, ids=[words for _changes, words in REFUSED])
def test_impossible_settings_are_refused_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    (sentence,) = said(changes)
    assert sentence.startswith(words.split(maxsplit=1)[0])
    assert [word for word in words.split() if word not in sentence] == []


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_possible_settings_are_accepted(changes: dict[str, Any]) -> None:
    assert said(changes) == []


def test_all_problems_are_said_at_once() -> None:
    assert len(said({"name": "", "endpoints": ["x"], "cidr": "x", **server(ports=[]), "tags": {"Name": ""}})) == 5


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
    assert (said(subnets(one, other)) == []) == (inside and apart)


# Any texts, and some that are nearly valid.
TEXTS = st.text(max_size=12) | st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(/[0-9.]*)?") | NETWORKS
TEXTS |= st.sampled_from(["", "default", "s3", "com.amazonaws.eu-central-1.s3", "vpc-0a", "subnet-0a", "a", "443"])
VALUES = {
    "str": TEXTS,
    "bool": st.booleans(),
    "int": st.integers(),
    "dict": st.dictionaries(TEXTS, TEXTS, max_size=3),
    "raw": TEXTS | st.integers() | st.floats() | st.none() | st.lists(st.integers(), max_size=2) | st.just("9" * 5000),
}


def values(option: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for all values of an option's type."""
    if option["type"] != "list":
        return VALUES[option["type"]]
    if "options" not in option:
        return st.lists(VALUES[option["elements"]], max_size=3)
    keys = option["options"].items()
    required = {key: values(each) for key, each in keys if each.get("required")}
    optional = {key: values(each) for key, each in keys if not each.get("required")}
    return st.lists(st.fixed_dictionaries(required, optional=optional), max_size=3)


@given(st.fixed_dictionaries({name: st.just(DEFAULTS[name]) | values(option) for name, option in OPTIONS.items()}))
def test_no_value_of_the_right_type_is_too_much(settings: dict[str, Any]) -> None:
    for sentence in problems(settings):
        variable = re.match(r"platform_network_(\w+)[ :]", sentence)
        assert variable is not None
        assert variable[1] in OPTIONS


def test_default_endpoints() -> None:
    comment = (ROLE / "defaults" / "main.yml").read_text().partition("What each is for:")[2].partition("# Other")[0]
    explained = re.findall(r"^#   ([a-z0-9.]+(?:, [a-z0-9.]+)*)  ", comment, re.MULTILINE)
    assert ", ".join(explained).split(", ") == list(DEFAULT_ENDPOINTS)
    assert wanted_services(DEFAULTS) == list(DEFAULT_ENDPOINTS)
    assert wanted_services(DEFAULTS | {"endpoints": ["default", "kms"]}) == [*DEFAULT_ENDPOINTS, "kms"]
    assert wanted_services(DEFAULTS | GIVEN) == []
    assert wanted_services(DEFAULTS | GIVEN | {"endpoints": ["default", "kms"]}) == ["kms"]
    assert set(DEFAULT_ENDPOINTS) <= set(SERVICES)


def test_argument_specs_agree_with_defaults() -> None:
    assert {name: option["default"] for name, option in OPTIONS.items()} == DEFAULTS
    assert list(OPTIONS) == list(DEFAULTS)


def test_outputs_of_the_role_are_known_variables() -> None:
    told = {f"platform_network_{part}" for part in ("vpc", "instance_subnets", "instance_security_group")}
    assert told < role_results()
    assert not any(name.startswith("_") for name in role_results())
    variables = dict.fromkeys([*told, "platform_network_vpcs"], "x")
    inventory = Inventory(groups={}, children={}, hosts={}, common={}, shared=variables)
    (unknown,) = unknown_variables(inventory, [])
    assert unknown.text.startswith("platform_network_vpcs is not a variable")


def test_every_door_has_a_specification() -> None:
    doors = {"main", "preflight", "absent"}
    assert set(SPECS) == doors <= {path.stem for path in (ROLE / "tasks").glob("*.yml")}
    assert [door for door in SPECS if "options" in SPECS[door]] == ["main"]
