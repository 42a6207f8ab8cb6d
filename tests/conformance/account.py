# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The resources of a run in an account, and their removal.

Each resource gets the mark of its run in the call that creates it: a tag or, for log streams, the name of the run. The
removal keeps no list: it reads the resources with the mark of this run. So it changes nothing else, and finds what a
call has created even if the answer to that call never arrived.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

MARK = "datalab:conformance"
PATH = "/datalab-conformance/"
LOG_GROUP = "/aws/sagemaker/NotebookInstances"
INSTANCE_TYPE = "ml.t3.medium"
NAME = re.compile(r"datalab-conformance-\d{8}-\d{6}-[0-9a-f]{4}")
CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, user_agent_extra="datalab-conformance")
EMPTY_LOOKS = 2
ABSENT = ("RecordNotFound", "does not exist", "NoSuchEntity", "ResourceNotFoundException")


def new_name() -> str:
    """Return a name for a new run and its resources."""
    return f"datalab-conformance-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Account:
    """The clients of an account, and the resources of one run there."""

    def __init__(self, session: boto3.Session, run: str, endpoint: str | None = None) -> None:
        make: Any = session.client  # Any, because its own type has an overload for each service

        def client(service: str) -> Any:
            return make(service, endpoint_url=endpoint, config=CLIENT)

        self.session, self.run, self.endpoint = session, run, endpoint
        self.sagemaker, self.iam, self.ec2, self.logs = map(client, ["sagemaker", "iam", "ec2", "logs"])
        self.tagging, self.quotas = client("resourcegroupstaggingapi"), client("service-quotas")
        self.id = str(client("sts").get_caller_identity()["Account"])
        self.region = str(session.region_name)
        self.partition = session.get_partition_for_region(self.region)
        host = urlsplit(self.sagemaker.meta.endpoint_url).hostname or ""
        self.is_aws = host.endswith((".amazonaws.com", ".amazonaws.com.cn"))

    @property
    def person(self) -> str:
        """The name of the role of a person, who may start the instance and nothing else."""
        return f"{self.run}-person"

    @property
    def tags(self) -> list[dict[str, str]]:
        """The mark as a list of AWS's tags."""
        return [{"Key": MARK, "Value": self.run}]

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of a resource in this account."""
        region = "" if service == "iam" else self.region
        return f"arn:{self.partition}:{service}:{region}:{self.id}:{rest}"

    @property
    def instance_arn(self) -> str:
        """The ARN of the instance, which is known before the instance exists."""
        return self.arn("sagemaker", f"notebook-instance/{self.run}")

    def role_arn(self, name: str) -> str:
        """Return the ARN of a role of this run."""
        return self.arn("iam", f"role{PATH}{name}")

    # Creating and reading

    def make_role(self, name: str, trust: dict[str, Any], allow: list[dict[str, Any]]) -> None:
        """Create a role with these permissions only."""
        self.iam.create_role(
            RoleName=name, Path=PATH, AssumeRolePolicyDocument=policy(trust), Tags=self.tags, Description=self.run
        )
        self.iam.put_role_policy(RoleName=name, PolicyName="conformance", PolicyDocument=policy(*allow))

    def make_roles(self) -> None:
        """Create the instance's role, which may write its log and read its tags, and the role of a person."""
        group = self.arn("logs", f"log-group:{LOG_GROUP}")
        write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        streams = {"Action": write, "Resource": [group, f"{group}:*", f"{group}:log-stream:{self.run}/*"]}
        self.make_role(
            self.run, sagemaker_trust(), [streams, {"Action": ["sagemaker:ListTags"], "Resource": [self.instance_arn]}]
        )
        account = {"AWS": self.arn("iam", "root")}
        start = {"Action": ["sagemaker:StartNotebookInstance"], "Resource": [self.instance_arn]}
        self.make_role(self.person, {"Action": "sts:AssumeRole", "Principal": account}, [start])

    def make_network(self) -> tuple[str, str]:
        """Create a network for one instance, without a route out; return the ids of its subnet and security group."""

        def tagged(kind: str) -> list[dict[str, Any]]:
            return [{"ResourceType": kind, "Tags": self.tags}]

        vpc = self.ec2.create_vpc(CidrBlock="10.99.0.0/28", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/28", TagSpecifications=tagged("subnet"))
        group = self.ec2.create_security_group(
            VpcId=vpc, GroupName=self.run, Description=self.run, TagSpecifications=tagged("security-group")
        )
        return subnet["Subnet"]["SubnetId"], group["GroupId"]

    def make_log_group(self) -> None:
        """Create the log group that SageMaker would create; leave an existing one as it is."""
        if self.log_group_tags() is None:
            try:
                self.logs.create_log_group(logGroupName=LOG_GROUP, tags={MARK: self.run})
            except self.logs.exceptions.ResourceAlreadyExistsException:
                return

    def log_group_tags(self) -> dict[str, str] | None:
        """Return the tags of the log group, or None if it does not exist."""
        groups = self.logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
        if LOG_GROUP not in [group["logGroupName"] for group in groups]:
            return None
        tags: dict[str, str] = self.logs.list_tags_for_resource(resourceArn=self.arn("logs", f"log-group:{LOG_GROUP}"))[
            "tags"
        ]
        return tags

    def streams(self) -> list[str]:
        """Return the log streams whose names begin with the name of this run."""
        pages = self.logs.get_paginator("describe_log_streams")
        asked = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": f"{self.run}/"}
        return found(lambda: [s["logStreamName"] for p in pages.paginate(**asked) for s in p["logStreams"]]) or []

    def describe(self) -> dict[str, Any] | None:
        """Describe the instance; return None if it does not exist."""
        described: dict[str, Any] | None = found(
            lambda: self.sagemaker.describe_notebook_instance(NotebookInstanceName=self.run)
        )
        return described

    # Removing

    def remove(self, patience: float, pause: float, tell: Callable[[str], None]) -> list[str]:
        """Remove all resources with the mark of this run; return those that are left after `patience` seconds.

        Two reads in a row have to find nothing: the result of an interrupted call may appear some seconds later.
        """
        deadline, empty, told = time.monotonic() + patience, 0, [""]
        while empty < EMPTY_LOOKS:
            late = time.monotonic() > deadline
            left = self._remove_once(last=late)
            if left and late:
                return left
            if left and left != told:
                tell(f"still there: {', '.join(left)}")
                told = left
            empty = 0 if left else empty + 1
            time.sleep(pause)
        return []

    def _remove_once(self, last: bool) -> list[str]:
        """Remove each kind once; return what is left. What an existing instance uses stays, except the last time."""
        left: list[str] = []
        for kind in KINDS:
            if left and left[0].startswith(INSTANCE.name) and not last:
                break
            try:
                for thing in kind.find(self):
                    kind.remove(self, thing)
                left += [f"{kind.name} {thing}" for thing in kind.find(self)]
            except Exception as error:  # noqa: BLE001  # whatever it is, the others are removed, and this one again
                left.append(f"{kind.name} ({error})")
        return left

    def left(self) -> list[str]:
        """Return all resources with the mark of this run."""
        return [f"{kind.name} {thing}" for kind in KINDS for thing in kind.find(self)]

    def earlier_runs(self) -> list[str]:
        """Return other runs that have left something: their roles show it, since roles are removed last."""
        pages = self.iam.get_paginator("list_roles").paginate(PathPrefix=PATH)
        names = [NAME.match(role["RoleName"]) for page in pages for role in page["Roles"]]
        return sorted({name[0] for name in names if name and name[0] != self.run})


@dataclass(frozen=True)
class Kind:
    """A kind of resource: how those with the mark are found, and how one is removed."""

    name: str
    find: Callable[[Account], list[str]]
    remove: Callable[[Account, str], Any]


def found(read: Callable[[], Any]) -> Any:
    """Return the result of `read`, or None if AWS answers that the resource does not exist."""
    try:
        return read()
    except ClientError as error:
        if any(text in str(error) for text in ABSENT):
            return None
        raise


def policy(*statements: dict[str, Any]) -> str:
    """Return the JSON of a policy that allows these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def sagemaker_trust(**condition: Any) -> dict[str, Any]:
    """Return the statement of a trust policy that lets SageMaker assume a role."""
    return {"Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}, **condition}


def _is_marked(account: Account, arn: str) -> bool:
    tags = found(lambda: account.sagemaker.list_tags(ResourceArn=arn)["Tags"]) or []
    return account.tags[0] in tags


def _instances(account: Account) -> list[str]:
    return [account.run] if account.describe() and _is_marked(account, account.instance_arn) else []


def _remove_instance(account: Account, name: str) -> None:
    """Stop the instance if it runs, delete it if it is stopped or failed; otherwise leave it to the next try."""
    status = (account.describe() or {}).get("NotebookInstanceStatus")
    if status == "InService":
        account.sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    elif status in {"Stopped", "Failed"}:
        account.sagemaker.delete_notebook_instance(NotebookInstanceName=name)


def _configs(account: Account) -> list[str]:
    described = found(
        lambda: account.sagemaker.describe_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=account.run
        )
    )
    return [account.run] if described and _is_marked(account, described["NotebookInstanceLifecycleConfigArn"]) else []


def _marked_in_ec2(operation: str, key: str, id_key: str) -> Callable[[Account], list[str]]:
    def find(account: Account) -> list[str]:
        filters = [{"Name": f"tag:{MARK}", "Values": [account.run]}]
        return [each[id_key] for each in getattr(account.ec2, operation)(Filters=filters)[key]]

    return find


def _roles(account: Account) -> list[str]:
    return list(_marked_roles(account))


def _marked_roles(account: Account) -> Iterator[str]:
    for name in (account.run, account.person):
        answer = found(partial(account.iam.get_role, RoleName=name))
        if answer and account.tags[0] in answer["Role"].get("Tags", []):
            yield name


def _remove_role(account: Account, name: str) -> None:
    for each in account.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        account.iam.delete_role_policy(RoleName=name, PolicyName=each)
    account.iam.delete_role(RoleName=name)


def _log_groups(account: Account) -> list[str]:
    return [LOG_GROUP] if (account.log_group_tags() or {}).get(MARK) == account.run else []


def _remove_log_group(account: Account, name: str) -> None:
    """Delete the log group; if others write to it by now, remove only the mark."""
    if account.logs.describe_log_streams(logGroupName=name, limit=1)["logStreams"]:
        arn = account.arn("logs", f"log-group:{name}")
        account.logs.untag_resource(resourceArn=arn, tagKeys=[MARK])
    else:
        account.logs.delete_log_group(logGroupName=name)


INSTANCE = Kind("notebook instance", _instances, _remove_instance)
KINDS = [
    INSTANCE,
    Kind(
        "lifecycle configuration",
        _configs,
        lambda account, name: account.sagemaker.delete_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=name
        ),
    ),
    Kind(
        "subnet",
        _marked_in_ec2("describe_subnets", "Subnets", "SubnetId"),
        lambda account, name: account.ec2.delete_subnet(SubnetId=name),
    ),
    Kind(
        "security group",
        _marked_in_ec2("describe_security_groups", "SecurityGroups", "GroupId"),
        lambda account, name: account.ec2.delete_security_group(GroupId=name),
    ),
    Kind(
        "VPC",
        _marked_in_ec2("describe_vpcs", "Vpcs", "VpcId"),
        lambda account, name: account.ec2.delete_vpc(VpcId=name),
    ),
    Kind(
        "stream of logs",
        Account.streams,
        lambda account, name: account.logs.delete_log_stream(logGroupName=LOG_GROUP, logStreamName=name),
    ),
    Kind("group of logs", _log_groups, _remove_log_group),
    Kind("role", _roles, _remove_role),
]
