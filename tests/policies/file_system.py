# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policy of the file system with platform_storage_iam: it denies, even if other policies allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.storage_settings import platform_roles, policy

from .asking import (
    EVERYTHING,
    FILES,
    INSTANCES,
    REGION,
    VIEWER,
    Decision,
    Who,
    instance_of,
    person,
)
from .simulator import ACCOUNT
from .simulator import POLICIES as OF_ROLES

MOUNT, WRITE, ROOT = (f"elasticfilesystem:Client{verb}" for verb in ("Mount", "Write", "RootAccess"))
SETTINGS = {"isolation": "shared", "iam": True}
POLICIES = {"file-system": policy(SETTINGS, platform_roles("datalab", {"account": ACCOUNT, "partition": "aws"}))}
HELPERS = {**OF_ROLES, **EVERYTHING}
POINT = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1"
BY_POINT = {"elasticfilesystem:AccessPointArn": POINT, "aws:SecureTransport": "true"}


def _mounting(who: Who, role: str, *policies: str) -> Who:
    """Return a person or instance that mounts the file system with a role of this name."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    asks = who.asks_as
    context = {**asks.context, "aws:PrincipalArn": arn}
    return Who(who.name, replace(asks, context=context, identity=[*asks.identity, *policies], on="file-system"))


def of_the_platform() -> Iterator[Decision]:
    """Yield our roles' decisions: all mount, with TLS and by the access point; instances write; none may be root."""
    research = _mounting(INSTANCES["research"], "datalab/datalab-research")
    erin = _mounting(INSTANCES["fraud"], "datalab/datalab-fraud-erin")
    viewer = _mounting(VIEWER, "datalab/datalab-viewer")
    for who in (research, erin, viewer):
        yield who.may("mounts", MOUNT, FILES, context=BY_POINT)
        yield who.must_not("mounts without TLS", MOUNT, FILES, context={**BY_POINT, "aws:SecureTransport": "false"})
        yield who.must_not("mounts the root directory", MOUNT, FILES, context={"aws:SecureTransport": "true"})
        yield who.must_not("is root", ROOT, FILES, context=BY_POINT)
    for who in (research, erin):
        yield who.may("writes", WRITE, FILES, context=BY_POINT)
        yield who.must_not("writes without TLS", WRITE, FILES, context={**BY_POINT, "aws:SecureTransport": "false"})
        yield who.must_not("writes the root directory", WRITE, FILES, context={"aws:SecureTransport": "true"})
    yield viewer.must_not("writes", WRITE, FILES, context=BY_POINT)


def of_others() -> Iterator[Decision]:
    """Yield the decisions about roles and users with all rights: others may not mount, and a viewer may do no more."""
    admin = instance_of("admin", "Admin", "everything", {})
    admin = Who("an administrator's machine", replace(admin.asks_as, boundary=None))
    other = _mounting(admin, "Admin")
    alike = _mounting(admin, "datalab-research")  # a role with the name of one of ours, but on another path
    user = _mounting(person("alice", "research"), "", "everything")
    user = Who(
        "alice", replace(user.asks_as, context={**user.asks_as.context, "aws:PrincipalArn": user.asks_as.principal})
    )
    viewer = _mounting(VIEWER, "datalab/datalab-viewer", "everything")
    for action in (MOUNT, WRITE):
        for who in (other, alike, user):
            yield who.must_not("reaches the files", action, FILES, context=BY_POINT)
    not_mounting = {"aws:SecureTransport": "false"}  # the policy is about mounts only
    yield other.may("manages it", "elasticfilesystem:PutFileSystemPolicy", FILES, context=not_mounting)
    yield other.must_not("is root", ROOT, FILES, context=BY_POINT)
    yield viewer.must_not("writes", WRITE, FILES, context=BY_POINT)
    no_role = Who("a machine without IAM", replace(other.asks_as, identity=[], context={}))
    for action in (MOUNT, WRITE, ROOT):
        yield no_role.must_not("reaches the files", action, FILES, context=BY_POINT)


DECISIONS = [*of_the_platform(), *of_others()]
