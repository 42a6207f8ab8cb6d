# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The vocabulary of the tables: who asks AWS, for what, and the decision that is expected."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .simulator import ACCOUNT, Policies, Request

ALLOWED, DENIED, FORBIDDEN = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"

REGION = "eu-central-1"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:"
LOG_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/NotebookInstances"
ATHENA = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
CONFIG = f"{SAGEMAKER}notebook-instance-lifecycle-config/"

# Policies given to a role by mistake, to test that its boundary holds.
EVERYTHING: Policies = {
    "everything": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
}


@dataclass(frozen=True)
class Thing:
    """A resource, and what AWS knows about it when it decides."""

    arn: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """A line of the table."""

    who: str
    says: str  # what is tried
    expected: str
    request: Request

    def __str__(self) -> str:
        return f"{self.who} {self.says} ({self.request.action})"


@dataclass(frozen=True, eq=False)
class Who:
    """A person or an instance that asks AWS."""

    name: str
    asks_as: Request

    def may(self, says: str, action: str, on: Thing, **more: Any) -> Decision:
        """Expect that a policy allows this, and none forbids it."""
        return self._decision(ALLOWED, says, action, on, more)

    def may_not(self, says: str, action: str, on: Thing, **more: Any) -> Decision:
        """Expect that no policy allows this."""
        return self._decision(DENIED, says, action, on, more)

    def must_not(self, says: str, action: str, on: Thing, **more: Any) -> Decision:
        """Expect that a policy forbids this, whatever other policies say."""
        return self._decision(FORBIDDEN, says, action, on, more)

    def _decision(self, expected: str, says: str, action: str, on: Thing, more: dict[str, Any]) -> Decision:
        context = {**self.asks_as.context, **on.context, **more.get("context", {})}
        request = replace(self.asks_as, action=action, resource=on.arn, context=context)
        return Decision(self.name, says, expected, request)


OFFICE = {"aws:SourceIp": "203.0.113.7"}  # where people may open instances from


def person(name: str, team: str) -> Who:
    """Return an IAM user in the group of a team, at the office."""
    context = {"aws:username": name, **OFFICE}
    return Who(name, Request(f"arn:aws:iam::{ACCOUNT}:user/{name}", "", "", context, [f"datalab-people-{team}"]))


def instance_of(name: str, role: str, policy: str, tags: dict[str, str], *more: str) -> Who:
    """Return an instance, which asks with its execution role."""
    context = {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/SageMaker"
    return Who(f"{name}'s instance", Request(session, "", "", context, [policy, *more], "datalab-boundary"))


def notebook(name: str, **tags: str) -> Thing:
    """Return a notebook instance with tags."""
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    return Thing(f"{SAGEMAKER}notebook-instance/{name}", context)


def s3(place: str) -> Thing:
    """Return a bucket or an object."""
    return Thing(f"arn:aws:s3:::{place}")


def files(**tags: str) -> Thing:
    """Return a file system with tags."""
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    return Thing(f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1", context)


def stream(name: str) -> Thing:
    """Return a log stream of notebook instances."""
    return Thing(f"{LOG_GROUP}:log-stream:{name}/LifecycleConfigOnStart")


OWN = {
    "alice": notebook("datalab-alice", owner="alice", team="research"),
    "bob": notebook("datalab-bob", owner="bob", team="research"),
    "erin": notebook("datalab-erin", owner="erin", team="fraud"),
    "frank": notebook("datalab-frank", owner="frank", team="fraud"),
    "ivy": notebook("datalab-ivy", owner="ivy", team="interns"),
    "uma": notebook("special", owner="uma", team="interns"),
    "viewer": notebook("datalab-viewer", owner="viewer"),
}
FILES = files(**{"datalab:storage": "datalab"})
NOTHING = Thing("*")
CONFIG_EDITS = [f"sagemaker:{verb}NotebookInstanceLifecycleConfig" for verb in ("Create", "Update", "Delete")]

ALICE, ERIN, IVY = person("alice", "research"), person("erin", "fraud"), person("ivy", "interns")
FRANK, UMA = person("frank", "fraud"), person("uma", "interns")
INSTANCES = {
    "research": instance_of("alice", "datalab-research", "datalab-research", {"team": "research"}),
    "fraud": instance_of(
        "erin",
        "datalab-fraud-erin",
        "datalab-fraud",
        {"team": "fraud", "owner": "erin", "instance": "datalab-erin"},
    ),
    "interns": instance_of("ivy", "datalab-interns", "datalab-interns", {"team": "interns"}),
}
VIEWER = instance_of("viewer", "datalab-viewer", "datalab-viewer", {})


def keys(*tags: str) -> dict[str, Any]:
    """Return the context of a request that names these tags."""
    return {"aws:TagKeys": list(tags)}
