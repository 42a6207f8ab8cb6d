# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of instances, from the variables of their people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import instance_arguments
from ansible_collections.datalab.notebooks.plugins.plugin_utils.desired import Place, instance_options
from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import Wishes
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, wanted

Variables = Mapping[str, Any]

DEFAULTS = {
    "instance_type": "ml.t3.medium",
    "volume_size_in_gb": 20,
    "platform_identifier": "notebook-al2023-v1",
    "minimum_instance_metadata_service_version": "2",
    "root_access": False,
    "purge_tags": False,
}
NETWORK = Place(subnet_id="subnet-1", security_group_ids=("sg-1", "sg-2"))
IN_IT = {"subnet_id": "subnet-1", "security_group_ids": ["sg-1", "sg-2"], "direct_internet_access": False}


def wishes(variables: Variables | None = None, person: str = "alice") -> Wishes:
    """Return the settings of a person of the team research."""
    found = wanted(inventory({"research": [person]}, variables={person: variables or {}}))
    return found.wishes[person]


def options(variables: Variables | None = None, place: Place | None = None, person: str = "alice") -> dict[str, Any]:
    """Return the options of a person's instance."""
    return instance_options(wishes(variables, person), "datalab", place or Place())


def test_a_person() -> None:
    assert options() == {
        **DEFAULTS,
        "name": "datalab-alice",
        "owner": "alice",
        "lifecycle_config_name": "datalab",
        "tags": {"owner": "alice", "team": "research", "platform": "datalab"},
        "keep_tags": ["idle"],
    }


def test_a_viewer() -> None:
    viewer = wanted(inventory(viewers=["viewer"])).wishes["viewer"]
    assert instance_options(viewer, "datalab", Place()) == {
        **DEFAULTS,
        "state": "started",
        "update_policy": "force",
        "root_access": False,
        "name": "datalab-viewer",
        "owner": "viewer",
        "lifecycle_config_name": "datalab-viewer",
        "tags": {"owner": "viewer", "team": "platform", "platform": "datalab"},
        "keep_tags": ["idle"],
    }


def test_variables_are_options() -> None:
    said = {
        "state": "stopped",
        "instance_type": "ml.m5.xlarge",
        "new_instance_type": True,
        "role_arn": "arn:aws:iam::123456789012:role/own",
        "volume_size_in_gb": 50,
        "default_code_repository": "a",
        "additional_code_repositories": ["b"],
        "root_access": False,
        "platform_identifier": "notebook-al2023-v1",
        "ip_address_type": "dualstack",
        "minimum_instance_metadata_service_version": "2",
        "subnet_id": "subnet-1",
        "security_group_ids": ["sg-1"],
        "kms_key_id": "12",
        "direct_internet_access": True,
        "update_policy": "force",
        "force": True,
        "allow_other_owner": True,
        "purge_tags": False,
        "name": "experiment",
    }
    assert set(instance_arguments()) - set(said) == {"owner", "lifecycle_config_name", "tags", "keep_tags"}
    found = options({f"notebook_{option}": value for option, value in said.items()})
    assert {option: found[option] for option in said} == said


@pytest.mark.parametrize(
    ("person", "name"),
    [
        ("alice", "datalab-alice"),
        ("alice.smith@example.com", "datalab-alice-smith-example-com"),
        ("Alice_", "datalab-Alice"),
        ("zoë", "datalab-zo"),
    ],
)
def test_aws_has_fewer_letters_for_a_name_than_a_tag(person: str, name: str) -> None:
    found = options(person=person)
    assert (found["name"], found["owner"], found["tags"]["owner"]) == (name, person, person)


@pytest.mark.parametrize(
    ("variables", "tags"),
    [
        ({"notebook_idle": 7200}, {"idle": "7200"}),
        ({"notebook_idle": 0}, {"idle": "0"}),
        ({"notebook_idle": "never"}, {"idle": "never"}),
        ({"notebook_idle": ""}, {}),
        ({"notebook_tags": {"cost": 42, 2024: "x"}}, {"cost": "42", "2024": "x"}),
        ({"notebook_tags": {}}, {}),
    ],
    ids=str,
)
def test_tags(variables: Variables, tags: dict[str, str]) -> None:
    found = options(variables)
    assert found["tags"] == {"owner": "alice", "team": "research", "platform": "datalab", **tags}
    assert found["keep_tags"] == ["idle"]


OWN_CONFIG = {"notebook_lifecycle_config": "quant"}
MOUNTED = Place(mounts={"alice": {"notebook_host_efs_access_point": "fsap-1"}})


@pytest.mark.parametrize(
    ("variables", "place", "name"),
    [
        ({}, Place(), "datalab"),
        (OWN_CONFIG, Place(), "datalab-quant"),
        ({}, MOUNTED, "datalab-alice"),
        (OWN_CONFIG, MOUNTED, "datalab-quant-alice"),
        ({}, Place(mounts={"bob": {}}), "datalab"),
    ],
    ids=str,
)
def test_lifecycle_configuration(variables: Variables, place: Place, name: str) -> None:
    assert options(variables, place)["lifecycle_config_name"] == name


OWN_ROLE = {"notebook_role_arn": "arn:aws:iam::123456789012:role/own"}


@pytest.mark.parametrize(
    ("variables", "place", "role"),
    [
        ({}, Place(), None),
        ({}, Place(role_arn=None, role_arns={"alice": None}), None),
        ({}, Place(role_arn="everybody's"), "everybody's"),
        ({}, Place(role_arn="everybody's", role_arns={"alice": "hers", "bob": "his"}), "hers"),
        ({}, Place(role_arn="everybody's", role_arns={"bob": "his"}), "everybody's"),
        (OWN_ROLE, Place(role_arn="everybody's", role_arns={"alice": "hers"}), OWN_ROLE["notebook_role_arn"]),
    ],
    ids=str,
)
def test_the_role_is_a_persons_own_the_one_made_for_them_or_everybodys(
    variables: Variables, place: Place, role: str | None
) -> None:
    assert options(variables, place).get("role_arn") == role


@pytest.mark.parametrize(
    ("variables", "place", "network"),
    [
        ({}, Place(), {}),
        ({}, Place(subnet_id=None, security_group_ids=(None,)), {}),
        ({}, NETWORK, IN_IT),
        ({"notebook_direct_internet_access": True}, NETWORK, {**IN_IT, "direct_internet_access": True}),
        ({"notebook_subnet_id": "subnet-9"}, NETWORK, {**IN_IT, "subnet_id": "subnet-9"}),
        ({"notebook_security_group_ids": ["sg-9"]}, NETWORK, {**IN_IT, "security_group_ids": ["sg-9"]}),
        ({"notebook_subnet_id": "subnet-9"}, Place(), {"subnet_id": "subnet-9"}),
    ],
    ids=str,
)
def test_the_network_is_the_platforms_or_a_persons_own(
    variables: Variables, place: Place, network: dict[str, Any]
) -> None:
    found = options(variables, place)
    assert {option: found[option] for option in IN_IT if option in found} == network


NOTHING_YET = Place(subnet_id=None, security_group_ids=(None,), efs_dns_name=None)
NOT_MOUNTED = {
    name: {"notebook_host_efs_dns_name": "fs", "notebook_host_efs_access_point": point}
    for name, point in {"alice": None, "bob": "fsap-1"}.items()
}


@pytest.mark.parametrize(
    ("variables", "place", "missing"),
    [
        ({}, Place(), []),
        ({}, NETWORK, []),
        ({}, NOTHING_YET, ["subnet", "security group", "file system"]),
        ({}, Place(subnet_id="subnet-1", security_group_ids=("sg-1", None)), ["security group"]),
        ({}, Place(mounts=NOT_MOUNTED), ["access point"]),
        ({}, Place(mounts={"bob": NOT_MOUNTED["alice"]}), []),
        ({}, Place(mounts={"alice": NOT_MOUNTED["bob"]}), []),
    ],
    ids=str,
)
def test_resources_that_do_not_exist_yet(variables: Variables, place: Place, missing: list[str]) -> None:
    assert place.missing_for(wishes(variables)) == missing
