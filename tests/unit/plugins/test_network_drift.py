# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes to a converged network, by hand or by AWS, and their repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import (
    KEYS,
    PEER,
    PREFIX_LIST,
    Account,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import (
    FEW,
    FULL,
    MARK,
    account,
    one,
    texts,
)

# Changes from outside


def change(kind: str, name: str, **values: Any) -> Callable[[Account], None]:
    return lambda there: one(there, kind, name).update(values)


def lose(kind: str, name: str) -> Callable[[Account], None]:
    return lambda there: there.there[kind].remove(one(there, kind, name))


def retag(kind: str, name: str) -> Callable[[Account], None]:
    return lambda there: one(there, kind, name).update(tags={"Name": name, "theirs": "x", "cost": "0", **MARK})


def without_routes(name: str) -> Callable[[Account], None]:
    def drop(there: Account) -> None:
        table = one(there, "route_tables", name)
        table["routes"] = [route for route in table["routes"] if route["origin"] != "CreateRoute"]

    return drop


def move(there: Account) -> None:
    """Give a subnet another route table."""
    table = one(there, "route_tables", "datalab-private")
    moved = table["associations"].pop()
    other = {"route_table_id": "rtb-9a", "routes": [], "associations": [moved], "tags": {}}
    there.there["route_tables"].append(other)


def redirect(there: Account) -> None:
    """Lead the default route to a NAT gateway that is long gone."""
    for route in one(there, "route_tables", "datalab-private")["routes"]:
        if "nat_gateway_id" in route:
            route["nat_gateway_id"] = "nat-9a"


def allow_all(there: Account) -> None:
    anywhere = {"ip_protocol": "-1", "ip_ranges": [{"cidr_ip": "0.0.0.0/0"}], "ipv6_ranges": [{"cidr_ipv6": "::/0"}]}
    one(there, "security_groups", "datalab-instances")["ip_permissions_egress"].append(anywhere)


def open_default(there: Account) -> None:
    (group,) = (each for each in there.there["security_groups"] if each["group_name"] == "default")
    group["ip_permissions"].append(
        {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "ip_ranges": [{"cidr_ip": "0.0.0.0/0"}]}
    )


def describe(there: Account) -> None:
    one(there, "security_groups", "datalab-storage")["ip_permissions"][0]["user_id_group_pairs"][0]["description"] = "x"


def tags_of(what: str) -> list[str]:
    return [f"change tags of {what}"]


@dataclass(frozen=True)
class Drift:
    """Damage to a converged network, and the changes that repair it."""

    what: str
    drift: Callable[[Account], None]
    changes: list[str] = field(default_factory=list)


SUBNET, PUBLIC = "subnet 10.42.0.0/22 in zone a", "subnet 10.42.15.240/28 in zone a"
DRIFTS = [
    Drift("DNS", change("vpcs", "datalab-vpc", enable_dns_hostnames=False), ["change VPC 10.42.0.0/20"]),
    Drift("the VPC's tags", retag("vpcs", "datalab-vpc"), tags_of("VPC 10.42.0.0/20")),
    Drift("no subnet", lose("subnets", "datalab-private-a"), [f"create {SUBNET}"]),
    Drift("addresses", change("subnets", "datalab-private-a", map_public_ip_on_launch=True), [f"change {SUBNET}"]),
    Drift("a subnet's tags", retag("subnets", "datalab-private-a"), tags_of(SUBNET)),
    Drift("a public subnet's tags", retag("subnets", "datalab-public"), tags_of(PUBLIC)),
    Drift("a group's tags", retag("security_groups", "datalab-storage"), tags_of("security group datalab-storage")),
    Drift("all goes out", allow_all, ["change rules of security group datalab-instances"]),
    Drift("a rule in the default group", open_default, ["change rules of security group default"]),
    Drift("a description", describe, ["change rules of security group datalab-storage"]),
    Drift(
        "no group",
        lose("security_groups", "datalab-storage"),
        ["create security group datalab-storage", "change rules of security group datalab-instances"],
    ),
    Drift("a table's tags", retag("route_tables", "datalab-private"), tags_of("route table datalab-private")),
    Drift("a public table's tags", retag("route_tables", "datalab-public"), tags_of("route table datalab-public")),
    Drift("a table's name", change("route_tables", "datalab-private", tags={"Name": "x", "cost": "4711", **MARK}),
          tags_of("route table datalab-private")),
    Drift("another table", move, ["change route table datalab-private"]),
    Drift("no public route", without_routes("datalab-public"), ["create route 0.0.0.0/0 in datalab-public"]),
    Drift("another NAT gateway", redirect, ["change route 0.0.0.0/0 in datalab-private"]),
    Drift("no private table", lose("route_tables", "datalab-private"), [
        "create route table datalab-private",
        "create route 0.0.0.0/0 in datalab-private",
        "create route 10.7.0.0/16 in datalab-private",
        "remove endpoint s3",
        "create endpoint s3",
        "change rules of security group datalab-instances",
    ]),
    Drift("no S3", lose("endpoints", "datalab-s3"),
          ["create endpoint s3", "change rules of security group datalab-instances"]),
    Drift("no endpoint", lose("endpoints", "datalab-sts"), ["create endpoint sts"]),
    Drift("a dead endpoint", change("endpoints", "datalab-sts", state="Failed"),
          ["remove endpoint sts", "create endpoint sts"]),
    Drift("no private DNS", change("endpoints", "datalab-sts", private_dns_enabled=False),
          ["remove endpoint sts", "create endpoint sts"]),
    Drift("another group", change("endpoints", "datalab-sts", groups=[{"group_id": "sg-9a"}]),
          ["remove endpoint sts", "create endpoint sts"]),
    Drift("an endpoint that says nothing yet",
          change("endpoints", "datalab-sts", private_dns_enabled=False, state="pending")),
    Drift("an endpoint's tags", retag("endpoints", "datalab-s3"), tags_of("endpoint s3")),
    Drift("a connection's tags", retag("peerings", f"datalab-{PEER}"), tags_of(f"peering connection with {PEER}")),
    Drift("no connection", change("peerings", f"datalab-{PEER}", status={"code": "expired"}),
          [f"create peering connection with {PEER}", "change route 10.7.0.0/16 in datalab-private"]),
    Drift("a connection that is long gone", lose("peerings", f"datalab-{PEER}"),
          [f"create peering connection with {PEER}", "change route 10.7.0.0/16 in datalab-private"]),
    Drift("a gateway's tags", retag("internet_gateways", "datalab-internet"), tags_of("internet gateway")),
    Drift("a detached gateway", change("internet_gateways", "datalab-internet", attachments=[]),
          ["change internet gateway"]),
    Drift("no NAT gateway", lose("nat_gateways", "datalab-nat"),
          ["create public address", "create NAT gateway", "change route 0.0.0.0/0 in datalab-private"]),
    Drift("the NAT gateway's tags", retag("nat_gateways", "datalab-nat"), tags_of("NAT gateway")),
    Drift("no flow log", lose("flow_logs", "datalab-flow-log"), ["create flow log to acme-logs/datalab"]),
    Drift("less is logged", change("flow_logs", "datalab-flow-log", traffic_type="REJECT"),
          ["change flow log to acme-logs/datalab"]),
    Drift("logged elsewhere", change("flow_logs", "datalab-flow-log", log_destination="arn:aws:s3:::acme-logs"),
          ["remove flow log to acme-logs", "create flow log to acme-logs/datalab"]),
    Drift("a flow log's tags", retag("flow_logs", "datalab-flow-log"), tags_of("flow log to acme-logs/datalab")),
    Drift("the address's tags", retag("addresses", "datalab-nat"), tags_of("public address")),
]  # fmt: skip


@pytest.mark.parametrize("case", DRIFTS, ids=[case.what for case in DRIFTS])
def test_drift_is_mended_by_exactly_these_changes(case: Drift) -> None:
    there = account(FULL)
    case.drift(there)
    assert texts(there) == case.changes
    assert there.converge().changes == ()


def test_rules_are_told_by_the_names_of_our_groups() -> None:
    there = account(FULL)
    allow_all(there)
    lose("endpoints", "datalab-s3")(there)
    change_of_rules = there.plan().changes[-1]
    kept = [
        "tcp 443 to 0.0.0.0/0 (Internet)",
        "tcp 443 to 10.1.2.0/24 (Git)",
        "tcp 443 to datalab-endpoints (Endpoints)",
        "tcp 2049 to datalab-storage (File systems)",
        "tcp 8000-8080 to 10.1.2.0/24 (Git)",
    ]
    before, after = change_of_rules.before.split("\n"), change_of_rules.after.split("\n")
    assert sorted(before) == sorted(
        [*kept, f"tcp 443 to {PREFIX_LIST}", "all protocols to 0.0.0.0/0", "all protocols to ::/0"]
    )
    assert sorted(after) == sorted([*kept, "tcp 443 to what is to be created"])


def test_tags_of_others_stay() -> None:
    there = account(FULL)
    retag("endpoints", "datalab-s3")(there)
    (tagged,) = there.plan().changes
    assert (tagged.before, tagged.after) == ("cost: 0", "cost: 4711")
    there.converge()
    assert one(there, "endpoints", "datalab-s3")["tags"]["theirs"] == "x"


@pytest.mark.parametrize("state", ["deleting", "available"])
def test_resources_to_be_removed_need_no_tags(state: str) -> None:
    there = account(FEW)
    retag("endpoints", "datalab-sts")(there)
    change("endpoints", "datalab-sts", state=state)(there)
    assert texts(there, endpoints=["s3"]) == (["remove endpoint sts"] if state == "available" else [])


def test_a_tag_that_is_new_everywhere_is_one_line() -> None:
    (line,) = account(FEW).plan(tags={"cost": 1}).changes
    assert line.text.startswith("tags of VPC 10.42.0.0/20, subnet 10.42.0.0/22 in zone a, ")
    assert line.text.endswith(" and 4 more")
    assert line.after == "cost: 1"


@given(st.data())
def test_a_run_that_was_cut_off_is_completed_by_the_next(data: st.DataObject) -> None:
    there = account(FULL)
    for kind, _key in KEYS.values():
        for each in list(there.there[kind]):
            if data.draw(st.booleans(), label=f"lose {kind} {each['tags'].get('Name')}"):
                there.there[kind].remove(each)
    if not there.there["nat_gateways"] or not there.there["vpcs"]:
        for address in there.there["addresses"]:
            address.pop("association_id", None)
    if not there.there["vpcs"]:  # all that was in the VPC is gone, too
        for kind, _key in KEYS.values():
            there.there[kind] = there.there[kind] if kind in ("addresses", "internet_gateways") else []
        for gateway in there.there["internet_gateways"]:
            gateway["attachments"] = []
    assert there.converge().changes == ()
    assert len(there.there["vpcs"]) == 1
    assert there.remove().changes == ()
    assert {kind for kind in there.there if there.there[kind]} <= {"peerings"}


# Transitional states


@pytest.mark.parametrize(
    ("drift", "text"),
    [
        (change("endpoints", "datalab-sts", state="deleting"), "an earlier endpoint of sts is being removed"),
        (change("endpoints", "datalab-sts", state="deleted"), "an earlier endpoint of sts is being removed"),
        (change("endpoints", "datalab-s3", state="deleted"), "an earlier endpoint of s3 is being removed"),
        (change("nat_gateways", "datalab-nat", state="deleting"), "an earlier NAT gateway is being removed"),
        (change("nat_gateways", "datalab-nat", state="pending"), "the NAT gateway is being created"),
        (without_routes("datalab-private"), "the endpoint of s3 is being created"),
    ],
)
def test_transitional_states_are_waited_for(drift: Callable[[Account], None], text: str) -> None:
    there = account(FULL)
    drift(there)
    plan = there.plan()
    assert [item["text"] for item in plan.steps["waiting"]] == [text]
    assert plan.steps["later"] or text.startswith("an earlier endpoint")
