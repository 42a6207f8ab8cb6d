# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of who may do what; the policies have to agree with it in every line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .asking import (
    ATHENA,
    CONFIG,
    CONFIG_EDITS,
    DENIED,
    FILES,
    FORBIDDEN,
    GLUE,
    LOG_GROUP,
    OWN,
    REGION,
    ROLE,
    SAGEMAKER,
    Decision,
    Thing,
    Who,
    instance_of,
    keys,
    notebook,
    s3,
)
from .console import (
    BUCKET_KEYS,
    FOREIGN_KEY,
    SAME_ALIASES,
    SECRET,
    SECRETS,
    of_instances_and_the_console,
    of_the_console,
)
from .instances import of_instances, of_the_viewer
from .names import of_names
from .operator import of_the_operator
from .over_budget import of_teams_over_budget
from .people import of_people, of_restricted_groups
from .places import of_places
from .simulator import ACCOUNT, Request


def of_the_boundary() -> Iterator[Decision]:
    """Yield the decisions about a role with all rights, which its boundary limits."""
    who = instance_of("alice", "datalab-research", "datalab-research", {"team": "research"}, "everything")
    who = replace(who, name="an instance with a policy that allows everything")
    user = Thing(f"arn:aws:iam::{ACCOUNT}:user/x")
    yield who.may("reads more of the data buckets", "s3:GetObject", s3("acme-data/fraud/x"))
    yield who.may("lists more of the data buckets", "s3:ListBucket", s3("acme-cards"))
    yield who.may_not("reads other buckets", "s3:GetObject", s3("elsewhere/x"))
    yield who.may_not("opens a bucket", "s3:PutBucketPolicy", s3("acme-data"))
    yield who.may_not("deletes a bucket", "s3:DeleteBucket", s3("acme-results"))
    yield who.may("fetches a tool", "s3:GetObject", s3("acme-tools/0a/x"))
    yield who.may_not("replaces a tool", "s3:PutObject", s3("acme-tools/0a/x"))
    yield who.must_not("creates a user", "iam:CreateUser", user)
    yield who.must_not("attaches a policy", "iam:AttachRolePolicy", Thing(f"{ROLE}datalab/datalab-research"))
    yield who.must_not("takes another role on", "sts:AssumeRole", Thing(f"{ROLE}Admin"))
    yield who.may_not("names its session", "sts:TagSession", Thing(f"{ROLE}datalab/datalab-research"))
    yield who.must_not("changes tags", "sagemaker:AddTags", OWN["alice"], context=keys("owner"))
    yield who.must_not("removes tags", "sagemaker:DeleteTags", OWN["alice"], context=keys("owner"))
    for edit in CONFIG_EDITS:
        yield who.must_not("edits scripts", edit, Thing(f"{CONFIG}datalab"))
    yield who.may_not("creates an instance", "sagemaker:CreateNotebookInstance", notebook("x"))
    yield who.may_not("starts an instance", "sagemaker:StartNotebookInstance", OWN["alice"])
    yield who.may_not("deletes a table", "glue:DeleteTable", Thing(f"{GLUE}table/research/x"))
    yield who.may_not("raises its limit", "athena:UpdateWorkGroup", Thing(f"{ATHENA}datalab-research"))
    yield who.may_not("deletes a log", "logs:DeleteLogGroup", Thing(LOG_GROUP))
    yield who.may_not("reads another secret", SECRET, Thing(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x"))
    yield who.may("reads a secret of the platform", SECRET, SECRETS["fraud"])
    for key in BUCKET_KEYS:
        yield who.may("uses a key of the platform", "kms:Decrypt", key)
        yield who.may("encrypts with it", "kms:GenerateDataKey", key)
        yield who.may_not("deletes it", "kms:ScheduleKeyDeletion", key)
    for key in (FOREIGN_KEY, SAME_ALIASES):
        yield who.may_not("uses another key", "kms:Decrypt", key)
    yield who.may_not("changes a secret of the platform", "secretsmanager:PutSecretValue", SECRETS["fraud"])
    yield who.may_not("deletes the shared folder", "elasticfilesystem:DeleteFileSystem", FILES)


def of_trust() -> Iterator[Decision]:
    """Yield the decisions about who may assume a role."""
    role, here = Thing(f"{ROLE}datalab/datalab-research"), {"aws:SourceAccount": ACCOUNT}
    sagemaker = Who("SageMaker", Request("sagemaker.amazonaws.com", "", "", trust="datalab-trust"))
    lambdas = Who("Lambda", Request("lambda.amazonaws.com", "", "", trust="datalab-trust"))
    user = Who("a user", Request(f"arn:aws:iam::{ACCOUNT}:user/alice", "", "", trust="datalab-trust"))
    yield sagemaker.may("takes a role on for this account", "sts:AssumeRole", role, context=here)
    yield sagemaker.may_not("does for another", "sts:AssumeRole", role, context={"aws:SourceAccount": "210987654321"})
    yield sagemaker.may_not("does for nobody", "sts:AssumeRole", role)
    yield sagemaker.may_not("sets tags of the session", "sts:TagSession", role, context=here)
    yield lambdas.may_not("takes a role on", "sts:AssumeRole", role, context=here)
    yield user.may_not("takes a role on", "sts:AssumeRole", role, context=here)


def of_trust_in_instances() -> Iterator[Decision]:
    """Yield the decisions about who may assume a role with platform_access_trust_instances_only."""
    role, trust = Thing(f"{ROLE}datalab/datalab-research"), "datalab-trust-instances"
    sagemaker = Who("SageMaker", Request("sagemaker.amazonaws.com", "", "", trust=trust))
    lambdas = Who("Lambda", Request("lambda.amazonaws.com", "", "", trust=trust))
    user = Who("a user", Request(f"arn:aws:iam::{ACCOUNT}:user/alice", "", "", trust=trust))
    here = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": OWN["alice"].arn}
    for instance in (*OWN.values(), notebook("my-own")):
        yield sagemaker.may(
            "takes a role on for", "sts:AssumeRole", role, context={**here, "aws:SourceArn": instance.arn}
        )
    for source in ("notebook-instance/other", "notebook-instance/my-own-2", "training-job/datalab-alice", "endpoint/x"):
        context = {**here, "aws:SourceArn": f"{SAGEMAKER}{source}"}
        yield sagemaker.may_not(f"does for {source}", "sts:AssumeRole", role, context=context)
    theirs = {"aws:SourceAccount": "210987654321", "aws:SourceArn": OWN["alice"].arn.replace(ACCOUNT, "210987654321")}
    yield sagemaker.may_not("does for another account", "sts:AssumeRole", role, context=theirs)
    for key, value in theirs.items():
        yield sagemaker.may_not(f"does for another {key}", "sts:AssumeRole", role, context={**here, key: value})
        rest = {each: here[each] for each in here if each != key}
        yield sagemaker.may_not(f"does without {key}", "sts:AssumeRole", role, context=rest)
    yield sagemaker.may_not("sets tags of the session", "sts:TagSession", role, context=here)
    yield lambdas.may_not("takes a role on", "sts:AssumeRole", role, context=here)
    yield user.may_not("takes a role on", "sts:AssumeRole", role, context=here)


def without_boundary(decision: Decision) -> Decision:
    """Return the decision without the boundary: a policy must not grant more than our boundary allows."""
    expected = DENIED if decision.expected == FORBIDDEN else decision.expected
    who = f"{decision.who}, without the boundary,"
    return replace(decision, who=who, expected=expected, request=replace(decision.request, boundary=None))


OF_ROLES = [*of_instances(), *of_the_viewer(), *of_instances_and_the_console()]
DECISIONS = [
    *of_people(),
    *of_restricted_groups(),
    *of_teams_over_budget(),
    *of_places(),
    *of_names(),
    *of_the_console(),
    *OF_ROLES,
    *map(without_boundary, OF_ROLES),
    *of_the_boundary(),
    *of_trust(),
    *of_the_operator(),
    *of_trust_in_instances(),
]
