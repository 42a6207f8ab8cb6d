# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rights that the operations of an API need, to compare playbooks' calls with the operator's policies.

An action of IAM has the name of its operation, except for those below, by AWS's Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .operator import OPERATOR

# The services for which IAM has another name than boto3.
SERVICES = {"efs": "elasticfilesystem", "resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}

# Budgets has one action for all operations that read, and one for all that change.
_OF_BUDGETS = {
    "ViewBudget": "DescribeBudget DescribeBudgets DescribeNotificationsForBudget DescribeSubscribersForNotification",
    "ModifyBudget": "CreateBudget CreateNotification CreateSubscriber DeleteBudget DeleteNotification DeleteSubscriber"
    " UpdateBudget UpdateNotification",
}

# Operations whose actions have other names, or that need no action.
ACTIONS: dict[str, list[str]] = {
    **{f"budgets:{name}": [f"budgets:{action}"] for action, names in _OF_BUDGETS.items() for name in names.split()},
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:GetBucketAccelerateConfiguration": ["s3:GetAccelerateConfiguration"],
    "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
    "s3:GetBucketInventoryConfiguration": ["s3:GetInventoryConfiguration"],
    "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
    "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListBuckets": ["s3:ListAllMyBuckets"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
    "s3:PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "sts:GetCallerIdentity": [],  # is allowed to everybody
}

# What AWS does with the caller's rights during an operation; the sandbox does not show it.
_IN_A_NETWORK = [
    *(f"ec2:Describe{kind}" for kind in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")),
    "ec2:CreateNetworkInterface",
]
_WITH_A_KEY = ["kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"]
ALSO: dict[str, list[str]] = {
    # https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
    "sagemaker:CreateNotebookInstance": [
        *_IN_A_NETWORK, *_WITH_A_KEY, "iam:PassRole", "sagemaker:AddTags", "secretsmanager:GetSecretValue",
    ],
    "sagemaker:StartNotebookInstance": _IN_A_NETWORK,
    "sagemaker:UpdateNotebookInstance": ["iam:PassRole"],
    # https://docs.aws.amazon.com/efs/latest/ug/efs-api-permissions-ref.html
    "efs:CreateFileSystem": [*_WITH_A_KEY, "elasticfilesystem:TagResource", "iam:CreateServiceLinkedRole"],
    "efs:CreateAccessPoint": ["elasticfilesystem:TagResource"],
    "efs:CreateMountTarget": _IN_A_NETWORK,
    "efs:DeleteMountTarget": ["ec2:DeleteNetworkInterface"],
    "efs:ModifyMountTargetSecurityGroups": ["ec2:ModifyNetworkInterfaceAttribute"],
    # https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-iam.html
    "ec2:CreateVpcEndpoint": ["route53:AssociateVPCWithHostedZone"],
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    "ec2:CreateFlowLogs": ["logs:CreateLogDelivery"],
    "ec2:DeleteFlowLogs": ["logs:DeleteLogDelivery"],
    # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    "ec2:CreateNatGateway": ["iam:CreateServiceLinkedRole"],
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags_control-resources.html: tags at creation
    "athena:CreateWorkGroup": ["athena:TagResource"],
    "budgets:CreateBudget": ["budgets:TagResource"],
    "budgets:CreateBudgetAction": ["iam:PassRole"],
    "events:PutRule": ["events:TagResource"],
    "logs:CreateLogGroup": ["logs:TagResource"],
    "iam:CreatePolicy": ["iam:TagPolicy"],
    "iam:CreateRole": ["iam:PutRolePermissionsBoundary", "iam:TagRole"],
    # https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html
    "sns:CreateTopic": ["sns:TagResource"],
}  # fmt: skip


def actions_of(operation: str) -> list[str]:
    """Return the actions that an operation needs; it is written as the sandbox counts it: service:Operation."""
    service, _, name = operation.partition(":")
    return [*ACTIONS.get(operation, [f"{SERVICES.get(service, service)}:{name}"]), *ALSO.get(operation, ())]


def allowed() -> set[str]:
    """Return the actions that the operator's policies allow."""
    statements = [each for document in OPERATOR.values() for each in document["Statement"] if each["Effect"] == "Allow"]
    actions = [each["Action"] for each in statements]
    return {action for each in actions for action in (each if isinstance(each, list) else [each])}


def missing(operations: Iterable[str]) -> Iterator[str]:
    """Yield a message for each action that a playbook has needed and the policies do not allow."""
    for operation in operations:
        for action in actions_of(operation):
            if action not in allowed():
                yield (
                    f"{operation} was called, and no policy of the operator allows {action}: add it to"
                    " roles/platform_access/templates/operator_*.yml.j2 and to the decisions in"
                    " tests/policies/operator.py; if IAM has another name for it, to ACTIONS in"
                    " tests/policies/operations.py"
                )


def left_over(operations: Iterable[str]) -> Iterator[str]:
    """Yield a message for each action that the policies allow and no playbook has needed."""
    used = {action for operation in operations for action in actions_of(operation)}
    for action in sorted(allowed() - used):
        yield (
            f"no playbook has needed {action}: remove it from roles/platform_access/templates/operator_*.yml.j2, or add"
            " an integration test that needs it; if AWS needs it for another operation, add it to ALSO in"
            " tests/policies/operations.py"
        )
