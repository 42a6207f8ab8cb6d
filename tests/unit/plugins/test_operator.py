# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operator's policies: an inventory that names an existing resource needs no right to create it.

tests/policies proves what they allow; the integration tests prove that they are sufficient, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.operator import (
    PARTS,
    operator_problems,
    render_operator,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.policies import POLICY_LENGTH, policy_size
from ansible_collections.datalab.notebooks.tests.policies.operations import actions_of, left_over, missing
from ansible_collections.datalab.notebooks.tests.policies.operator import BOB, SHARED
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory, wanted

OWN_ROLE = "arn:aws:iam::123456789012:role/own"
OWN_BOUNDARY = "arn:aws:iam::123456789012:policy/own"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/k"


WITH_MIRROR = {"notebook_fleet_owner_defaults": {"notebook_host_tools_url": "s3://own-tools"}}


def statements(shared: Mapping[str, Any] | None = None, **of_alice: Any) -> dict[str, dict[str, Any]]:
    """Return the statements of all policies, by part and Sid."""
    source = inventory(viewers=["viewer"], shared=shared, variables={"alice": of_alice})
    policies = dict(zip(PARTS, render_operator(wanted(source)), strict=True))
    return {f"{part}/{each['Sid']}": each for part, policy in policies.items() for each in policy.document["Statement"]}


def test_each_part_is_short_enough_and_has_a_name_of_its_own() -> None:
    policies = render_operator(wanted(inventory(viewers=["viewer"], shared=SHARED, variables={"bob": BOB})))
    assert [policy.name for policy in policies] == [f"operator-datalab-{part}" for part in PARTS]
    assert max(policy_size(policy.document) for policy in policies) < POLICY_LENGTH
    assert not list(operator_problems(policies))


def test_one_that_is_too_long_is_told() -> None:
    people = [f"p{number}" for number in range(120)]
    variables = {name: {"notebook_name": f"an-instance-with-a-long-name-of-{name}"} for name in people}
    source = inventory({"research": people}, variables=variables)
    text, of_the_report = operator_problems(render_operator(wanted(source)))
    assert of_the_report.startswith("the policy operator-datalab-report has ")
    assert text.startswith("the policy operator-datalab-instances has ")
    assert f"it must have at most {POLICY_LENGTH}: use fewer" in text


def test_nothing_of_the_platform_is_on_the_operators_own_policies() -> None:
    resources = str([each.get("Resource") for each in statements().values()])
    assert "operator-" not in resources


ACCESS_POINTS = {f"storage/{sid}" for sid in ("AccessPoints", "CreateAccessPoint", "TagNewAccessPoint")}


@pytest.mark.parametrize(
    ("shared", "gone", "come"),
    [
        (
            {"platform_network_vpc_id": "vpc-0a", "platform_network_subnet_ids": ["subnet-0a", "subnet-0b"]},
            {"network/CloseDefaultGroup", "network/FlowLogs"},
            {"network/InYourVpc", "instances/InYourNetwork"},
        ),
        ({"platform_network_nat": True}, set(), {"network/ServiceRoleOfNatGateways"}),
        (
            {"platform_storage_efs_dns_name": "fs-0a.efs.eu-central-1.amazonaws.com"},
            {f"storage/{sid}" for sid in ("CreateFileSystem", "FileSystems", "MountTargets", "ServiceRoleOfEfs")}
            | {"storage/TagNewFileSystem"},
            set(),
        ),
        ({"platform_storage_isolation": "access_point"}, set(), ACCESS_POINTS),
        ({"platform_storage_iam": True}, set(), ACCESS_POINTS),
        (
            {"platform_storage_results_bucket": "own", "platform_storage_tools_bucket": "own-tools"},
            {"storage/RemoveBuckets", "storage/RemoveObjects"},
            set(),
        ),
        (WITH_MIRROR, {"storage/UploadTools", "instances/ListTools"}, set()),
        ({"platform_storage_results_access_log": {"bucket": "logs"}}, set(), {"storage/FindLogBucket"}),
        ({"platform_storage_results_access_log": {"bucket": ""}}, set(), set()),
        ({"platform_storage_kms_key_id": KEY}, set(), {"instances/Keys1", "instances/GrantKeys1"}),
        (
            {"platform_access_role_arn": OWN_ROLE},
            {f"access/{sid}" for sid in ("Read", "Policies", "Roles", "RolesWithinTheBoundary", "PoliciesOfRoles")}
            | {"access/Groups", "access/PoliciesOfGroups"},
            set(),
        ),
        ({"platform_access_boundary": OWN_BOUNDARY}, set(), {"access/KeepBoundary"}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_no_right_to_create_what_exists(shared: dict[str, Any], gone: set[str], come: set[str]) -> None:
    usual, now = set(statements()), set(statements(shared))
    assert (usual - now, now - usual) == (gone, come)


def test_a_bucket_that_is_named_is_the_only_one() -> None:
    found = statements({"platform_storage_results_bucket": "own"})
    tools = "arn:aws:s3:::datalab-tools-*"
    assert found["storage/Buckets"]["Resource"] == ["arn:aws:s3:::own", tools]
    assert found["storage/RemoveBuckets"]["Resource"] == [tools]
    assert found["storage/RemoveObjects"]["Resource"] == [f"{tools}/*"]
    found = statements({"platform_storage_tools_bucket": "own-tools"})
    assert found["storage/UploadTools"]["Resource"] == "arn:aws:s3:::own-tools/*"
    assert found["instances/ListTools"]["Resource"] == "arn:aws:s3:::own-tools"


@pytest.mark.parametrize(("log", "may"), [({}, False), ({"bucket": ""}, True), ({"bucket": "logs"}, True)], ids=str)
def test_no_right_to_change_access_logs_without_one(log: dict[str, str], may: bool) -> None:
    bucket = statements({"platform_storage_results_access_log": log})["storage/Buckets"]
    assert ("s3:PutBucketLogging" in bucket["Action"]) == may


@pytest.mark.parametrize("log", [{}, {"bucket": "logs"}], ids=str)
def test_no_right_to_create_a_flow_log_without_one(log: dict[str, str]) -> None:
    found = statements({"platform_network_flow_log": log})
    for sid, action in (("Create", "ec2:CreateFlowLogs"), ("Ours", "ec2:CreateFlowLogs"),
                        ("FlowLogs", "logs:CreateLogDelivery")):  # fmt: skip
        assert (action in found[f"network/{sid}"]["Action"]) == bool(log)
    assert "ec2:DeleteFlowLogs" in found["network/Ours"]["Action"]  # removes one that is no longer wanted


@pytest.mark.parametrize(("payer", "may"), [("", True), ("payer", False)])
def test_the_payers_rights_are_allowed_where_needed(payer: str, may: bool) -> None:
    said = {"platform_costs_activate_tags": True, "platform_costs_payer_profile": payer}
    actions = {action for each in statements(said).values() for action in each["Action"]}
    assert ("ce:UpdateCostAllocationTagsStatus" in actions) == may


def test_roles_have_the_boundary_of_the_account() -> None:
    found = statements({"platform_access_boundary": OWN_BOUNDARY})
    for sid in ("RolesWithinTheBoundary", "PoliciesOfRoles"):
        assert found[f"access/{sid}"]["Condition"]["ArnLike"]["iam:PermissionsBoundary"] == OWN_BOUNDARY
    assert found["access/KeepBoundary"]["Effect"] == "Deny"


@pytest.mark.parametrize(
    ("shared", "of_alice", "roles"),
    [
        ({}, {}, ["arn:aws:iam::*:role/datalab/*"]),
        ({}, {"notebook_role_arn": OWN_ROLE}, ["arn:aws:iam::*:role/datalab/*", OWN_ROLE]),
        ({"platform_access_role_arn": OWN_ROLE}, {}, [OWN_ROLE]),
        ({"notebook_fleet_role_arn": OWN_ROLE}, {}, [OWN_ROLE]),
    ],
)
def test_only_roles_of_the_inventory_are_passed(
    shared: dict[str, Any], of_alice: dict[str, Any], roles: list[str]
) -> None:
    assert statements(shared, **of_alice)["instances/PassRole"]["Resource"] == roles


@pytest.mark.parametrize(
    ("said", "sid", "resource"),
    [
        ({"notebook_name": "Experiment"}, "Instances", "arn:aws:sagemaker:*:*:notebook-instance/experiment"),
        ({"notebook_kms_key_id": "1234-ab"}, "Keys1", "arn:aws:kms:*:*:key/1234-ab"),
        ({"notebook_kms_key_id": KEY}, "Keys1", KEY),
        ({"notebook_subnet_id": "subnet-0a"}, "InYourNetwork", "arn:aws:ec2:*:*:subnet/subnet-0a"),
        ({"notebook_security_group_ids": ["sg-0a"]}, "InYourNetwork", "arn:aws:ec2:*:*:security-group/sg-0a"),
    ],
)
def test_settings_of_one_person_are_in_the_policy(said: dict[str, Any], sid: str, resource: str) -> None:
    assert resource in statements(**said)[f"instances/{sid}"]["Resource"]


@pytest.mark.parametrize("key", ["alias/volumes", KEY.replace("key/k", "alias/volumes")])
def test_a_key_that_is_named_by_its_alias_is_the_only_one(key: str) -> None:
    found = statements(notebook_kms_key_id=key)
    for sid in ("Keys1", "GrantKeys1"):
        asked = found[f"instances/{sid}"]["Condition"]["ForAnyValue:StringEquals"]
        assert asked == {"kms:ResourceAliases": ["alias/volumes"]}


@pytest.mark.parametrize(
    ("repository", "is_needed"), [("notebooks", True), ("https://git.example.com/n.git", False), ("", False)]
)
def test_secrets_are_read_for_repositories_that_have_one(repository: str, is_needed: bool) -> None:
    assert ("instances/GitSecrets" in statements(notebook_default_code_repository=repository)) is is_needed


def test_a_missing_right_is_reported_with_the_file_to_change() -> None:
    assert not list(missing(["s3:HeadBucket", "efs:CreateFileSystem", "sts:GetCallerIdentity"]))
    (text,) = missing(["ec2:CreateNetworkAcl"])
    assert text.startswith(
        "ec2:CreateNetworkAcl was called, and no policy of the operator allows ec2:CreateNetworkAcl: add"
    )


def test_unused_rights_are_reported() -> None:
    assert actions_of("resourcegroupstaggingapi:GetResources") == ["tag:GetResources"]
    assert "no playbook has needed tag:GetResources: remove it" in "\n".join(left_over([]))
    assert "tag:GetResources" not in "\n".join(left_over(["resourcegroupstaggingapi:GetResources"]))


def test_in_a_vpc_that_is_given_only_groups_and_endpoints_are_made() -> None:
    given = {"platform_network_vpc_id": "vpc-0a", "platform_network_subnet_ids": ["subnet-0a", "subnet-0b"]}
    found = statements(given)
    assert set(found["network/Create"]["Action"]) == {"ec2:CreateSecurityGroup", "ec2:CreateVpcEndpoint"}
    assert not {action for action in found["network/Ours"]["Action"] if action.endswith(("Vpc", "Subnet", "Route"))}
    assert "arn:aws:ec2:*:*:vpc/vpc-0a" in found["network/InYourVpc"]["Resource"]
