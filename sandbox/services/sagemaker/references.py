# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of an instance's references to other services: its execution role, its network, the key of its volume."""

from __future__ import annotations

import json
from typing import Any

from moto.backends import get_backend
from moto.sagemaker.exceptions import SagemakerClientError, ValidationError
from moto.utilities.utils import get_partition

SERVICE = "sagemaker.amazonaws.com"


class AccessDeniedError(SagemakerClientError):
    """The caller does not have the permission."""

    code = "AccessDeniedException"


def check_role(arn: str, account_id: str, region: str) -> None:
    """Refuse a role that SageMaker cannot assume."""
    if arn.split(":")[4] != account_id:
        raise AccessDeniedError("Cross-account pass role is not allowed.")
    roles = get_backend("iam")[account_id][get_partition(region)].roles.values()
    if not any(role.arn == arn and _trusts_sagemaker(role.assume_role_policy_document) for role in roles):
        raise ValidationError(
            message=f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            f"'{SERVICE}' to assume the role."
        )


def check_place(subnet_id: str | None, group_ids: list[str], account_id: str, region: str) -> None:
    """Refuse a subnet or security groups that do not exist, or are not in the same VPC."""
    ec2 = get_backend("ec2")[account_id][region]
    subnets = {subnet.id: subnet for of_zone in ec2.subnets.values() for subnet in of_zone.values()}
    groups = {group.id: group for of_vpc in ec2.groups.values() for group in of_vpc.values()}
    if subnet_id and subnet_id not in subnets:
        raise ValidationError(message=f"The subnet ID '{subnet_id}' does not exist")
    for group_id in group_ids:
        if group_id not in groups:
            raise ValidationError(message=f"The security group '{group_id}' does not exist")
        if subnet_id and groups[group_id].vpc_id != subnets[subnet_id].vpc_id:
            raise ValidationError(
                message=f"Security group {group_id} and subnet {subnet_id} belong to different networks."
            )


def check_key(key_id: str, account_id: str, region: str) -> None:
    """Refuse a key, given by id, ARN or alias, that does not exist or is not enabled."""
    kms = get_backend("kms")[account_id][region]
    name = kms.get_alias_name(key_id)
    found = kms.get_key_id_from_alias(name) if name.startswith("alias/") else kms.get_key_id(name)
    key = kms.keys.get(kms.get_key_id(found or ""))
    if key is None:
        raise ValidationError(message=f"The KMS key {key_id} does not exist.")
    if not key.enabled:
        raise ValidationError(message=f"The KMS key {key_id} is not enabled.")


def _trusts_sagemaker(policy: str) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and not {"sts:AssumeRole", "sts:*", "*"}.isdisjoint(_listed(statement.get("Action")))
        and not {SERVICE, "*"}.isdisjoint(_principals(statement.get("Principal")))
        for statement in _listed(json.loads(policy)["Statement"])
    )


def _principals(principal: Any) -> list[str]:
    return _listed(principal.get("Service")) if isinstance(principal, dict) else _listed(principal)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
