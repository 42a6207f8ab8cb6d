# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .asking import (
    ALICE,
    CONFIG,
    CONFIG_EDITS,
    ERIN,
    IVY,
    NOTHING,
    OFFICE,
    OWN,
    ROLE,
    SAGEMAKER,
    Decision,
    Thing,
    Who,
    keys,
    notebook,
    s3,
)
from .simulator import ACCOUNT, Request


def of_people() -> Iterator[Decision]:
    """Yield the decisions about people, who may use their own instance, and not those of others."""
    use = ["CreatePresignedNotebookInstanceUrl", "DescribeNotebookInstance", "ListTags"]
    use += ["StartNotebookInstance", "StopNotebookInstance"]
    for who, other in ((ALICE, "bob"), (ERIN, "frank"), (IVY, "uma")):
        own = OWN[who.name]
        team = own.context["aws:ResourceTag/team"]
        outside = notebook(f"other-{who.name}", owner=who.name, team=team)
        nobodys = notebook(f"datalab-{who.name}", team=team)
        of_no_team = notebook(f"datalab-{who.name}", owner=who.name)
        yield who.may("lists instances", "sagemaker:ListNotebookInstances", NOTHING)
        for verb in use:
            yield who.may("uses their own instance", f"sagemaker:{verb}", own)
            yield who.may_not("uses somebody else's", f"sagemaker:{verb}", OWN[other])
            yield who.may_not("uses one of another platform", f"sagemaker:{verb}", outside)
            yield who.may_not("uses one without an owner", f"sagemaker:{verb}", nobodys)
            yield who.may_not("uses one without a team", f"sagemaker:{verb}", of_no_team)
        for verb in ("DeleteNotebookInstance", "UpdateNotebookInstance"):
            yield who.may_not("changes somebody else's", f"sagemaker:{verb}", OWN[other])
        yield who.may_not("deletes their own", "sagemaker:DeleteNotebookInstance", own)
        yield who.may_not("trains a model", "sagemaker:CreateTrainingJob", Thing(f"{SAGEMAKER}training-job/x"))
        yield who.may_not("reads data without an instance", "s3:GetObject", s3("acme-data/public/x"))
        for edit in CONFIG_EDITS:
            yield who.must_not("edits a lifecycle configuration", edit, Thing(f"{CONFIG}datalab"))
        yield from _of_tags(who, own, OWN[other])
        yield from _of_passing_roles(who)
    for who in (ALICE, ERIN):
        for verb in ("CreateNotebookInstance", "UpdateNotebookInstance"):
            yield who.may_not("creates or changes one", f"sagemaker:{verb}", OWN[who.name])
    yield from _of_the_viewer()
    yield from _of_single_sign_on()


# AWS takes Owner and owner for the same key when it decides, and for two keys when it stores them.
KEPT_TAGS = ("owner", "team", "platform", "cost-center", "datalab:verified", "datalab:restart")


def _of_tags(who: Who, own: Thing, others: Thing) -> Iterator[Decision]:
    job = Thing(f"{SAGEMAKER}training-job/x", {"aws:ResourceTag/owner": who.name})
    outside = notebook("other", owner=who.name, team=own.context["aws:ResourceTag/team"])
    of_no_team = notebook(f"datalab-{who.name}", owner=who.name)
    for action in ("sagemaker:AddTags", "sagemaker:DeleteTags"):
        yield who.may("sets idle", action, own, context=keys("idle"))
        yield who.may_not("sets idle and another", action, own, context=keys("idle", "project"))
        yield who.may_not("sets another", action, own, context=keys("project"))
        yield who.may_not("sets Idle", action, own, context=keys("Idle"))
        yield who.may_not("names no tag", action, own)
        yield who.may_not("sets idle of somebody else's", action, others, context=keys("idle"))
        yield who.may_not("sets idle of one without a team", action, of_no_team, context=keys("idle"))
        yield who.may_not("sets idle of a training job", action, job, context=keys("idle"))
        yield who.may_not("sets idle of another platform's", action, outside, context=keys("idle"))
        for tag in KEPT_TAGS:
            for written in (tag, tag.capitalize(), tag.upper()):
                yield who.must_not(f"sets {written}", action, own, context=keys(written))
                yield who.must_not(f"sets {written} of a script", action, Thing(f"{CONFIG}x"), context=keys(written))
            yield who.must_not(f"sets idle and {tag}", action, own, context=keys("idle", tag))
    yield who.must_not("makes others' theirs", "sagemaker:AddTags", others, context=keys("owner"))
    yield who.must_not("makes one theirs elsewhere", "sagemaker:AddTags", outside, context=keys("owner"))
    # Not a notebook instance, so it does not belong to the platform: other policies may allow it.
    yield who.may_not("sets owner of a training job", "sagemaker:AddTags", job, context=keys("owner"))


def _of_passing_roles(who: Who) -> Iterator[Decision]:
    own = {"alice": "datalab-research", "erin": "datalab-fraud-erin", "ivy": "datalab-interns"}
    to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    role = Thing(f"{ROLE}datalab/{own[who.name]}")
    yield who.may("passes their role", "iam:PassRole", role, context=to_sagemaker)
    yield who.may_not("passes it to EC2", "iam:PassRole", role, context={"iam:PassedToService": "ec2.amazonaws.com"})
    yield who.may_not("passes it to who knows whom", "iam:PassRole", role)
    yield who.may_not("takes it on", "sts:AssumeRole", role)
    yield who.may_not("changes it", "iam:PutRolePolicy", role)
    for other in ("datalab/datalab-viewer", "datalab/datalab-fraud-frank", "Admin"):
        yield who.may_not(f"passes {other}", "iam:PassRole", Thing(ROLE + other), context=to_sagemaker)


def _of_the_viewer() -> Iterator[Decision]:
    for who in (ALICE, ERIN):
        yield who.may("opens the viewer", "sagemaker:CreatePresignedNotebookInstanceUrl", OWN["viewer"])
        yield who.may("looks at the viewer", "sagemaker:DescribeNotebookInstance", OWN["viewer"])
        yield who.may_not("stops the viewer", "sagemaker:StopNotebookInstance", OWN["viewer"])
    yield IVY.may_not("opens the viewer", "sagemaker:CreatePresignedNotebookInstanceUrl", OWN["viewer"])


def _of_single_sign_on() -> Iterator[Decision]:
    session = Request(f"arn:aws:sts::{ACCOUNT}:assumed-role/Staff/alice", "", "", OFFICE, ["datalab-people-research"])
    nameless = Who("somebody without a user name", session)
    yield nameless.may_not("opens Alice's", "sagemaker:CreatePresignedNotebookInstanceUrl", OWN["alice"])
    literally = notebook("datalab-x", owner="${aws:username}")
    yield nameless.may_not("opens the variable's", "sagemaker:CreatePresignedNotebookInstanceUrl", literally)


# A request for a small instance that Ivy may make; then changes that are still allowed, and changes that are not.
SMALL: dict[str, Any] = {
    "aws:RequestTag/owner": "ivy",
    "aws:RequestTag/team": "interns",
    "aws:TagKeys": ["owner", "team"],
    "sagemaker:DirectInternetAccess": "Disabled",
    "sagemaker:InstanceTypes": ["ml.t3.medium"],
    "sagemaker:MinimumInstanceMetadataServiceVersion": "2",
    "sagemaker:NotebookInstanceLifecycleConfigArns": [f"{CONFIG}datalab"],
    "sagemaker:RootAccess": "Disabled",
    "sagemaker:VpcSecurityGroupIds": ["sg-0a"],
    "sagemaker:VpcSubnets": ["subnet-0a"],
}
STILL_SMALL: list[dict[str, Any]] = [
    {"sagemaker:InstanceTypes": ["ml.t3.large"]},
    {"sagemaker:InstanceTypes": ["ml.t3.medium", "ml.t3.large"]},
    {"sagemaker:VpcSubnets": ["subnet-0b"]},
    {"sagemaker:NotebookInstanceLifecycleConfigArns": [f"{CONFIG}datalab-small"]},
    {"aws:TagKeys": ["owner", "team", "idle"], "aws:RequestTag/idle": "900"},
]
NOT_SMALL: list[dict[str, Any]] = [
    {"aws:RequestTag/owner": "alice"},
    {"aws:RequestTag/team": "research"},
    {"aws:TagKeys": ["owner", "team", "cost-center"]},
    {"aws:TagKeys": ["owner", "team", "Owner"]},
    {"aws:TagKeys": ["owner", "team", "datalab:verified"]},
    {"aws:TagKeys": ["owner", "team", "TEAM"]},
    {"aws:TagKeys": ["Owner", "team"]},
    {"sagemaker:DirectInternetAccess": "Enabled"},
    {"sagemaker:InstanceTypes": ["ml.p4d.24xlarge"]},
    {"sagemaker:InstanceTypes": ["ml.t3.medium", "ml.p4d.24xlarge"]},
    {"sagemaker:MinimumInstanceMetadataServiceVersion": "1"},
    {"sagemaker:NotebookInstanceLifecycleConfigArns": [f"{CONFIG}mine"]},
    *(
        {"sagemaker:NotebookInstanceLifecycleConfigArns": [CONFIG + name for name in names]}
        for names in (
            ["datalab2"],
            ["datalab-alice"],  # another team's
            ["datalab-viewer"],
            ["datalab-small-alice"],
            ["datalab", "datalab-viewer"],
        )
    ),
    {"sagemaker:RootAccess": "Enabled"},
    {"sagemaker:VpcSecurityGroupIds": ["sg-0b"]},
    {"sagemaker:VpcSecurityGroupIds": ["sg-0a", "sg-0b"]},
    {"sagemaker:VpcSubnets": ["subnet-0c"]},
    *({key: None} for key in SMALL if key != "aws:TagKeys"),  # a request with tags always has aws:TagKeys
]


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the context of a request for a small instance, with some keys changed, or left out if None."""
    return {key: value for key, value in {**SMALL, **changes}.items() if value is not None}


def told(changes: dict[str, Any]) -> str:
    """Return a change in words."""
    return " and ".join(f"{key.split(':')[1]} {value or 'left out'}" for key, value in changes.items())


def of_restricted_groups() -> Iterator[Decision]:
    """Yield the decisions about what people of restricted groups may create and change."""
    create, new = "sagemaker:CreateNotebookInstance", notebook("datalab-ivy")
    yield IVY.may("creates a small instance", create, new, context=SMALL)
    for changes in STILL_SMALL:
        yield IVY.may(f"creates one with {told(changes)}", create, new, context=changed(changes))
    for changes in NOT_SMALL:
        yield IVY.may_not(f"creates one with {told(changes)}", create, new, context=changed(changes))
    for name in ("datalab-ivy2", "datalab-alice", "ivy"):
        yield IVY.may_not(f"creates one called {name}", create, notebook(name), context=SMALL)
    for who in (ALICE, ERIN):
        theirs = notebook(f"datalab-{who.name}")
        yield who.may_not("creates a small one", create, theirs, context={**SMALL, "aws:RequestTag/owner": who.name})
    yield from _of_tags_at_creation(new)
    yield from _of_updates()


UPDATE_KEYS = {
    "sagemaker:InstanceTypes",
    "sagemaker:MinimumInstanceMetadataServiceVersion",
    "sagemaker:NotebookInstanceLifecycleConfigArns",
    "sagemaker:RootAccess",
}


def _of_updates() -> Iterator[Decision]:
    update, own = "sagemaker:UpdateNotebookInstance", OWN["ivy"]
    yield IVY.may("updates what no key tells of", update, own)
    for key in sorted(UPDATE_KEYS):
        yield IVY.may(f"sets {key} to what is allowed", update, own, context={key: SMALL[key]})
    for right in STILL_SMALL[0], STILL_SMALL[3]:
        yield IVY.may(f"changes it to {told(right)}", update, own, context=right)
    for wrong in NOT_SMALL:
        if set(wrong) <= UPDATE_KEYS and None not in wrong.values():
            yield IVY.may_not(f"changes it to {told(wrong)}", update, own, context=wrong)
    fine = {"sagemaker:InstanceTypes": ["ml.t3.medium"]}
    for whose in ("alice", "viewer"):
        yield IVY.may_not(f"changes that of {whose}", update, OWN[whose], context=fine)
    yield IVY.may_not("changes one of no team", update, notebook("datalab-ivy", owner="ivy"), context=fine)
    for says, other in (
        ("her old team's", notebook("datalab-ivy", owner="ivy", team="fraud")),
        ("Bob's", notebook("datalab-bob", owner="bob", team="interns")),
        ("another platform's", notebook("other", owner="ivy", team="interns")),
    ):
        yield IVY.may_not(f"changes {says}", update, other, context=fine)


def _of_tags_at_creation(new: Thing) -> Iterator[Decision]:
    creating = {
        "aws:RequestTag/owner": "ivy",
        "aws:RequestTag/team": "interns",
        "aws:TagKeys": ["owner", "team", "idle"],
        "sagemaker:TaggingAction": "CreateNotebookInstance",
    }
    tag = "sagemaker:AddTags"
    yield IVY.may("tags what she creates", tag, new, context=creating)
    for key, value in (
        ("aws:RequestTag/owner", "alice"),
        ("aws:RequestTag/team", "research"),
        ("aws:TagKeys", ["owner", "team", "cost-center"]),
        ("sagemaker:TaggingAction", "CreateEndpoint"),
    ):
        yield IVY.may_not(f"tags it with {key} {value}", tag, new, context={**creating, key: value})
    for key in ("aws:RequestTag/owner", "aws:RequestTag/team"):
        rest = {each: value for each, value in creating.items() if each != key}
        yield IVY.may_not(f"tags it without {key}", tag, new, context=rest)
    later = {key: value for key, value in creating.items() if key != "sagemaker:TaggingAction"}
    yield IVY.must_not("tags it later", tag, OWN["ivy"], context=later)
    yield IVY.may_not("tags what others create", tag, notebook("datalab-bob"), context=creating)
    for who in (ALICE, ERIN):
        yield who.may_not("tags what she creates", tag, notebook(f"datalab-{who.name}"), context=creating)
