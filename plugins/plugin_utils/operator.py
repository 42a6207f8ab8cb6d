# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The policies of the one who runs the playbooks: the rights that this inventory needs. Pure: no call to AWS.

They are written before AWS is asked, so the account is a *, as it may be: an identity policy holds in its own account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .budgets import enforced_teams
from .policies import POLICY_LENGTH, Policy, keys_of, policy_size, render_template
from .preflight import Wanted, uses_tools_bucket

PARTS = {
    "instances": "What the playbooks for instances do",
    "network": "What making and removing the network takes",
    "storage": "What making and removing file systems and buckets takes",
    "access": "What making and removing roles, policies, groups and workgroups takes",
    "costs": "What making and removing budgets and the record of instances takes",
    "report": "What the report of costs reads",
}
# What the network is made of, by the operation that creates it; in a VPC that is given, the first two only.
CREATED = {
    "CreateSecurityGroup": "security-group",
    "CreateVpcEndpoint": "vpc-endpoint",
    "AllocateAddress": "elastic-ip",
    "CreateInternetGateway": "internet-gateway",
    "CreateNatGateway": "natgateway",
    "CreateRouteTable": "route-table",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcPeeringConnection": "vpc-peering-connection",
}
LOGGED = {"CreateFlowLogs": "vpc-flow-log"}  # if the settings say so
SERVICES = ("athena", "ec2", "events", "kms", "logs", "sagemaker", "secretsmanager", "sns")


def render_operator(wanted: Wanted) -> list[Policy]:
    """One policy for each part of the platform, because IAM limits their length."""
    given = _given(wanted)
    name = wanted.settings["access"]["name"]
    return [
        Policy(f"operator-{name}-{part}", description, render_template(f"operator_{part}", **given))
        for part, description in PARTS.items()
    ]


def operator_problems(policies: list[Policy]) -> Iterator[str]:
    """Policies that are too long for IAM."""
    for policy in policies:
        size = policy_size(policy.document)
        if size > POLICY_LENGTH:
            yield (
                f"the policy {policy.name} has {size} characters; it must have at most {POLICY_LENGTH}: use fewer"
                " different subnets, security groups, roles and keys, and names of instances that begin with"
                " notebook_fleet_prefix"
            )


def _given(wanted: Wanted) -> dict[str, Any]:
    access, network, storage = (wanted.settings[section] for section in ("access", "network", "storage"))
    arn = _arns(access["name"])
    return {
        "arn": arn,
        "name": access["name"],
        "network": network,
        "kinds": {
            **dict(list(CREATED.items())[: 2 if network["vpc_id"] else None]),
            **(LOGGED if network["flow_log"] else {}),
        },
        "storage": storage,
        "costs": wanted.settings["costs"],
        "enforced": bool(enforced_teams(wanted.settings["costs"])),
        "given_role": access["role_arn"],
        "given_boundary": access["boundary"],
        "boundary": access["boundary"] or f"{arn['policy']}{access['name']}-boundary",
        "instances": _instances(wanted, arn["sagemaker"]),
        "configs": [
            f"{arn['sagemaker']}notebook-instance-lifecycle-config/{wanted.prefix.lower()}{end}" for end in ("", "-*")
        ],
        "roles": _roles(wanted, arn["role"]),
        "subnets": [f"{arn['ec2']}subnet/{each}" for each in network["subnet_ids"]],
        "places": _places(wanted, arn["ec2"]),
        "keys": _keys(wanted, arn["kms"]),
        "tools_bucket": storage["tools_bucket"] or f"{storage['efs_name']}-tools-*",
        "with_tools": uses_tools_bucket(wanted),
        "with_repositories": _with_repositories(wanted),
    }


def _arns(name: str) -> dict[str, str]:
    """The beginning of ARNs: all regions, and any account, because the account is not known."""
    return {
        **{service: f"arn:aws:{service}:*:*:" for service in SERVICES},
        **{kind: f"arn:aws:iam::*:{kind}/{name}/" for kind in ("group", "policy", "role")},
        "budgets": "arn:aws:budgets::*:",
        "efs": "arn:aws:elasticfilesystem:*:*:",
        "s3": "arn:aws:s3:::",
    }


def _said(wanted: Wanted, variable: str) -> list[Any]:
    """The values of a variable of people, each once."""
    values = [each.instance.get(f"notebook_{variable}") for each in wanted.wishes.values()]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one for one in dict.fromkeys(flat) if one]


def _instances(wanted: Wanted, arn: str) -> list[str]:
    """Instances with the common prefix, and the others. ARNs of SageMaker are in lower case."""
    begins = f"{wanted.prefix}-".lower()
    names = [person.instance.lower() for person in wanted.roster.people.values()]
    return [
        f"{arn}notebook-instance/{name}" for name in (f"{begins}*", *(n for n in names if not n.startswith(begins)))
    ]


def _roles(wanted: Wanted, path: str) -> list[str]:
    """The roles that instances may get: the platform's, or those of the inventory."""
    given = [wanted.settings["access"]["role_arn"], wanted.settings["fleet"]["role_arn"], *_said(wanted, "role_arn")]
    return list(dict.fromkeys([*([] if given[0] or given[1] else [f"{path}*"]), *filter(None, given)]))


def _places(wanted: Wanted, arn: str) -> list[str]:
    """The subnets and security groups that the inventory names."""
    fleet, storage = wanted.settings["fleet"], wanted.settings["storage"]
    subnets = [*wanted.settings["network"]["subnet_ids"], *storage["subnet_ids"], fleet["subnet_id"]]
    groups = [*storage["security_group_ids"], *fleet["security_group_ids"], *_said(wanted, "security_group_ids")]
    arns = [f"{arn}subnet/{each}" for each in (*subnets, *_said(wanted, "subnet_id")) if each]
    return list(dict.fromkeys([*arns, *(f"{arn}security-group/{each}" for each in groups if each)]))


def _keys(wanted: Wanted, arn: str) -> list[dict[str, Any]]:
    """The keys of volumes and file systems."""
    named = [wanted.settings["storage"]["kms_key_id"], *_said(wanted, "kms_key_id")]
    return keys_of(filter(None, named), arn)


def _with_repositories(wanted: Wanted) -> bool:
    """Whether a code repository is named, which may have a secret, and not only given by URL."""
    named = [*_said(wanted, "default_code_repository"), *_said(wanted, "additional_code_repositories")]
    return any("://" not in each for each in named)
