# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the console does for people: each operation with all rights that it requires, by AWS's own reference.

https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .asking import (
    ALICE,
    CONFIG,
    ERIN,
    FRANK,
    INSTANCES,
    IVY,
    NOTHING,
    OWN,
    REGION,
    ROLE,
    SAGEMAKER,
    UMA,
    VIEWER,
    Decision,
    Thing,
    Who,
    notebook,
)
from .people import SMALL
from .simulator import ACCOUNT

VPC = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
KEY = ["kms:DescribeKey", "kms:CreateGrant"]
SECRET = "secretsmanager:GetSecretValue"

# The actions that each operation requires; its own action comes first.
OPERATIONS: Mapping[str, list[str]] = {
    "lists instances": ["sagemaker:ListNotebookInstances"],
    "looks at one": ["sagemaker:DescribeNotebookInstance", "sagemaker:ListTags"],
    "opens one": ["sagemaker:CreatePresignedNotebookInstanceUrl"],
    "starts one": [
        "sagemaker:StartNotebookInstance",
        "iam:PassRole",
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        *VPC,
        *KEY,
        SECRET,
    ],
    "stops one": ["sagemaker:StopNotebookInstance"],
    "creates one": [
        "sagemaker:CreateNotebookInstance",
        "iam:PassRole",
        "ec2:CreateNetworkInterface",
        *VPC,
        *KEY,
        SECRET,
    ],
    "changes one": ["sagemaker:UpdateNotebookInstance", "iam:PassRole"],
    "deletes one": ["sagemaker:DeleteNotebookInstance"],
    "lists lifecycle configurations": ["sagemaker:ListNotebookInstanceLifecycleConfigs"],
    "looks at a lifecycle configuration": ["sagemaker:DescribeNotebookInstanceLifecycleConfig"],
    "lists repositories": ["sagemaker:ListCodeRepositories"],
    "adds a repository": ["sagemaker:CreateCodeRepository"],
    "changes a repository": ["sagemaker:UpdateCodeRepository"],
    "removes a repository": ["sagemaker:DeleteCodeRepository"],
}
EVERYBODYS = {"lists instances", "looks at one", "opens one", "starts one", "stops one"}
MAY: Mapping[Who, set[str]] = {
    **dict.fromkeys((ALICE, ERIN, FRANK), EVERYBODYS),
    IVY: EVERYBODYS | {"creates one", "changes one"},
    UMA: EVERYBODYS | {"changes one"},  # the name of her instance is not made from hers
}

# The subnet, groups, keys and secrets of each person's instance. FRANK's key is known by its alias only.
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
KMS = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
OF_ERIN = Thing(f"{KMS}0a0a0a0a-0000-0000-0000-000000000000")
OF_FRANK = Thing(f"{KMS}0f0f0f0f-0000-0000-0000-000000000000", {"kms:ResourceAliases": ["alias/volumes"]})
ELSEWHERE = f"arn:aws:kms:{REGION}:210987654321:key/0d0d0d0d-0000-0000-0000-000000000000"
SAME_ALIASES = Thing(ELSEWHERE, {"kms:ResourceAliases": ["alias/volumes", "alias/cards"]})  # in another account
FOREIGN_KEY = Thing(f"{KMS}0e0e0e0e-0000-0000-0000-000000000000", {"kms:ResourceAliases": ["alias/others"]})
BUCKET_KEYS = [
    Thing(f"{KMS}0b0b0b0b-0000-0000-0000-000000000000"),
    Thing(f"{KMS}0c0c0c0c-0000-0000-0000-000000000000", {"kms:ResourceAliases": ["alias/cards"]}),
]
SECRETS = {
    team: Thing(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:AmazonSageMaker-{team}-{suffix}")
    for team, suffix in (("research", "aaaaaa"), ("fraud", "bbbbbb"), ("interns", "cccccc"))
}
ROLES = {ALICE: ["datalab/datalab-research", "gpu"], ERIN: ["datalab/datalab-fraud-erin"]}
ROLES |= {FRANK: ["datalab/datalab-fraud-frank"], IVY: ["datalab/datalab-interns"], UMA: ["datalab/datalab-interns"]}
KEYS = {ERIN: [OF_ERIN], FRANK: [OF_FRANK]}
TEAMS = {ALICE: "research", ERIN: "fraud", FRANK: "fraud"}  # of the people whose team has secrets
SUBNETS = {ALICE: ["subnet-0a", "subnet-0b", "subnet-0d"]}
GROUPS = {ALICE: ["sg-0a", "sg-0d"]}
BY_SAGEMAKER = {"kms:GrantIsForAWSResource": "true"}


def of_the_console() -> Iterator[Decision]:
    """Yield the decisions about each operation of each person, and about each action that it depends on."""
    for who, may in MAY.items():
        for says, actions in OPERATIONS.items():
            if says in may:
                for action in actions:
                    yield from (who.may(says, action, thing) for thing in _things(who, action))
            else:
                yield who.may_not(says, actions[0], _things(who, actions[0])[0])
        yield from _of_foreign_things(who)
        yield from _of_what_is_theirs_to_use_only(who)


def of_instances_and_the_console() -> Iterator[Decision]:
    """Yield the decisions about the same operations of instances, and about their use of keys and secrets."""
    for instance in (*INSTANCES.values(), VIEWER):
        yield from _of_an_instance(instance)
    yield from _of_the_keys_of_instances()


def _things(who: Who, action: str) -> list[Thing]:
    """Return the resources of an action when a person takes it on their own instance."""
    service, verb = action.split(":")
    if action in WITH_ITS_OWN:
        return WITH_ITS_OWN[action](who)
    if service == "ec2" or (verb.startswith("List") and verb != "ListTags"):
        return [NOTHING]
    if "LifecycleConfig" in verb:
        return [Thing(f"{CONFIG}datalab")]
    return [Thing(f"{SAGEMAKER}code-repository/ours") if "CodeRepository" in verb else OWN[who.name]]


def _keys_of(who: Who, **context: str) -> list[Thing]:
    return [Thing(key.arn, {**key.context, **context}) for key in KEYS.get(who, ())]


def _places_of(who: Who) -> list[Thing]:
    subnets = [f"subnet/{each}" for each in SUBNETS.get(who, SUBNETS[ALICE][:2])]
    groups = [f"security-group/{each}" for each in GROUPS.get(who, GROUPS[ALICE][:1])]
    return [Thing(EC2 + each) for each in (*subnets, *groups, "network-interface/*")]


TO_SAGEMAKER = {"iam:PassedToService": "sagemaker.amazonaws.com"}
WITH_ITS_OWN: Mapping[str, Callable[[Who], list[Thing]]] = {
    "iam:PassRole": lambda who: [Thing(ROLE + role, TO_SAGEMAKER) for role in ROLES[who]],
    "ec2:CreateNetworkInterface": _places_of,
    "kms:DescribeKey": _keys_of,
    "kms:CreateGrant": lambda who: _keys_of(who, **BY_SAGEMAKER),
    SECRET: lambda who: [SECRETS[TEAMS[who]]] if who in TEAMS else [],
    "sagemaker:CreateNotebookInstance": lambda who: [
        Thing(notebook(f"datalab-{who.name}").arn, SMALL if who is IVY else {})
    ],
}


def _of_foreign_things(who: Who) -> Iterator[Decision]:
    join, grant = "ec2:CreateNetworkInterface", "kms:CreateGrant"
    subnet = "subnet-0e" if who is ALICE else "subnet-0d"
    group = "sg-0e" if who is ALICE else "sg-0d"
    yield who.may_not("joins a foreign subnet", join, Thing(f"{EC2}subnet/{subnet}"))
    yield who.may_not("joins a foreign group", join, Thing(f"{EC2}security-group/{group}"))
    for key in (FOREIGN_KEY, SAME_ALIASES, *BUCKET_KEYS, *(() if who in KEYS else (OF_ERIN, OF_FRANK))):
        yield who.may_not("uses a foreign key", grant, Thing(key.arn, {**key.context, **BY_SAGEMAKER}))
        yield who.may_not("looks at a foreign key", "kms:DescribeKey", key)
    for team, secret in SECRETS.items():
        if team != TEAMS.get(who):
            yield who.may_not(f"reads the secret of {team}", SECRET, secret)


def _of_what_is_theirs_to_use_only(who: Who) -> Iterator[Decision]:
    """Yield the decisions about changes of the subnets, groups, keys and secrets that people may only use."""
    yield who.may_not("deletes a subnet", "ec2:DeleteSubnet", Thing(f"{EC2}subnet/subnet-0a"))
    yield who.may_not("runs a machine there", "ec2:RunInstances", Thing(f"{EC2}subnet/subnet-0a"))
    opens = "ec2:AuthorizeSecurityGroupIngress"
    yield who.may_not("opens a group", opens, Thing(f"{EC2}security-group/sg-0a"))
    yield who.may_not("removes an interface", "ec2:DeleteNetworkInterface", Thing(f"{EC2}network-interface/eni-0a"))
    for key in KEYS.get(who, ()):
        yield who.may_not("grants it to another", "kms:CreateGrant", key)
        by_hand = {**key.context, "kms:GrantIsForAWSResource": "false"}
        yield who.may_not("grants it by hand", "kms:CreateGrant", Thing(key.arn, by_hand))
        revoking = {**key.context, **BY_SAGEMAKER}
        yield who.may_not("revokes a grant", "kms:RevokeGrant", Thing(key.arn, revoking))
        for verb in ("Decrypt", "GenerateDataKey", "ScheduleKeyDeletion", "PutKeyPolicy"):
            yield who.may_not("uses a key otherwise", f"kms:{verb}", key)
    for key in BUCKET_KEYS:
        yield who.may_not("reads what buckets have", "kms:Decrypt", key)
    if who in TEAMS:
        secret = SECRETS[TEAMS[who]]
        yield who.may_not("changes the secret", "secretsmanager:PutSecretValue", secret)
        yield who.may_not("deletes the secret", "secretsmanager:DeleteSecret", secret)


def _of_an_instance(who: Who) -> Iterator[Decision]:
    """Yield the decisions about the operations that no instance may do, nor the viewer."""
    for says, actions in OPERATIONS.items():
        if says not in {"looks at one", "stops one", "creates one", "changes one"}:
            thing = {"lists": NOTHING}.get(says.split()[0], OWN["bob"])
            if "repositor" in says or "lifecycle" in says:
                thing = _things(ALICE, actions[0])[0]
            yield who.may_not(says, actions[0], thing)
    yield who.may_not("joins the network", "ec2:CreateNetworkInterface", Thing(f"{EC2}subnet/subnet-0a"))
    yield who.may_not("uses a key of volumes", "kms:CreateGrant", Thing(OF_ERIN.arn, BY_SAGEMAKER))


def _of_the_keys_of_instances() -> Iterator[Decision]:
    """Yield the decisions about buckets' keys, usable only through S3, and about secrets of a team's repositories."""
    by_s3: dict[str, Any] = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    for team, who in INSTANCES.items():
        for verb in ("Decrypt", "GenerateDataKey"):
            for key in BUCKET_KEYS:
                yield who.may("uses the buckets' key", f"kms:{verb}", Thing(key.arn, {**key.context, **by_s3}))
                yield who.may_not("uses it without S3", f"kms:{verb}", key)
            for key in (OF_ERIN, FOREIGN_KEY, SAME_ALIASES):
                yield who.may_not("uses another key", f"kms:{verb}", Thing(key.arn, {**key.context, **by_s3}))
        for key in BUCKET_KEYS:
            yield who.may_not("deletes a key", "kms:ScheduleKeyDeletion", Thing(key.arn, {**key.context, **by_s3}))
        for other, secret in SECRETS.items():
            if other == team != "interns":
                yield who.may("reads its secret", SECRET, secret)
                yield who.may_not("changes its secret", "secretsmanager:PutSecretValue", secret)
            else:
                yield who.may_not(f"reads the secret of {other}", SECRET, secret)
    for key in BUCKET_KEYS:
        yield VIEWER.may_not("uses the buckets' key", "kms:Decrypt", Thing(key.arn, {**key.context, **by_s3}))
    yield VIEWER.may_not("reads a secret", SECRET, SECRETS["research"])
