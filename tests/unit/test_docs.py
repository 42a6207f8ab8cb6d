# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The picture of the platform shows the defaults of the roles, and prices are computed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.module_utils.pricing.shipped import DATE, shipped_prices
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network_found import DEFAULT_ENDPOINTS, GROUPS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
PICTURE = PAGE.split("```")[1]


def defaults(role: str) -> dict[str, Any]:
    variables: dict[str, Any] = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    return variables


def test_the_network_is_the_default_one() -> None:
    network = defaults("platform_network")
    shown = {network["platform_network_cidr"], f"{network['platform_network_name']}-vpc"}
    for subnet in network["platform_network_subnets"]:
        shown |= {subnet["cidr"], f"{network['platform_network_name']}-private-{subnet['zone']}"}
    assert {name for name in shown if name not in PICTURE} == set()


def test_the_endpoints_are_the_default_ones() -> None:
    services = set(DEFAULT_ENDPOINTS)
    lines = PICTURE[PICTURE.index("──► sagemaker.api") : PICTURE.index("no internet")].splitlines()
    shown = {word for line in lines for word in re.findall(r"[a-z0-9.]+", re.split("│──►|│    ", line)[-1])}
    assert len(services) == 11
    assert shown - {"gateway", "endpoint"} == services


def test_the_rights_are_the_default_ones() -> None:
    access, storage = defaults("platform_access"), defaults("platform_storage")
    name = access["platform_access_name"]
    shown = {f"{name}-{part}" for part in ("research", "people-research", "boundary", "viewer", "alice")}
    shown |= {f"EFS {storage['platform_storage_efs_name']}", f"s3://{storage['platform_storage_efs_name']}-results-"}
    assert {each for each in shown if each not in PICTURE} == set()


def test_the_groups_are_those_of_the_role() -> None:
    assert set(re.findall(r"^\| `datalab-(\w+)` \|", PAGE, re.MULTILINE)) == set(GROUPS)


def test_what_a_month_costs_follows_from_the_shipped_prices() -> None:
    page = (ROOT / "docs" / "first-day.md").read_text(encoding="utf-8")
    assert f"of the list of {DATE} that is shipped" in page
    prices = shipped_prices("us-east-1")
    machines = re.findall(r"`(ml\.[\w.]+)`, (\d+) hours, (\d+) GiB \|.*\| ([\d.]+) \|$", page, re.MULTILINE)
    assert len(machines) == 4
    for machine, hours, gibibytes, usd in machines:
        month = prices["instances"][machine] * int(hours) + prices["volume"] * int(gibibytes)
        assert f"{month:.2f}" == usd, machine
    example = yaml.safe_load((ROOT / "inventory/example-aws/group_vars/all.yml").read_text(encoding="utf-8"))
    endpoints = len(example["platform_network_endpoints"]) - 1  # that of S3 is free
    zones = len(example["platform_network_subnets"])
    shared = endpoints * zones * 730 * 0.01
    assert (
        f"| {endpoints} interface endpoints in {zones} zones, 730 hours | the network of the example | {shared:.2f} |"
        in page
    )
    ten = 10 * float(machines[1][3]) + float(machines[3][3]) + shared
    assert f"= {ten:.2f} USD" in page
