# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Flow logs: records of the traffic of a VPC, a subnet or a network interface, and their destination."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    boto3_tag_specifications,
    compare_aws_tags,
)

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.errors import InputError, NotebookError
from ..common.polling import wait_until
from ..common.resource import Resource, State
from ..common.service_model import input_problems, tag_problems
from . import api

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_ec2 import EC2Client

OWN_TAGS = frozenset({"datalab:network"})  # marks resources of the role platform_network
RESOURCES = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}  # by what their ids begin with
DESTINATIONS = {"s3": "s3", "logs": "cloud-watch-logs", "firehose": "kinesis-data-firehose"}  # by the service of an ARN
ARN = re.compile(r"arn:[^:]+:(?P<service>[^:]+):[^:]*:[^:]*:(?P<name>.+)")
LOG_GROUP = "log-group:"
OPTIONS = ("traffic_type", "deliver_logs_permission_arn", "log_format", "max_aggregation_interval")
# Settings that a replaced flow log passes on, unless an option is given.
SETTINGS = (*OPTIONS, "deliver_cross_account_role", "destination_options")
SECONDS = 60  # until AWS returns a new flow log, or a deleted one no more


@dataclass(frozen=True)
class DesiredFlowLog:
    """A wanted flow log. None: AWS chooses the value at creation, and later it is left as it is."""

    resource_id: str
    log_destination: str
    traffic_type: str = "ALL"
    deliver_logs_permission_arn: str | None = None
    log_format: str | None = None
    max_aggregation_interval: int | None = None
    tags: dict[str, str] | None = None
    purge_tags: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """The given options that AWS sets at creation only."""
        given = {option: getattr(self, option) for option in OPTIONS}
        return {option: value for option, value in given.items() if value is not None}

    @property
    def kinds(self) -> dict[str, str]:
        """The types of the resource and of the destination, as far as they can be told."""
        arn = ARN.fullmatch(self.log_destination)
        resource = RESOURCES.get(self.resource_id.partition("-")[0])
        destination = DESTINATIONS.get(arn["service"]) if arn else None
        types = {"resource_type": resource, "log_destination_type": destination}
        return {key: value for key, value in types.items() if value}

    def params(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of CreateFlowLogs with these settings, without tags."""
        given = {**self.kinds, "log_destination": self.log_destination, **settings}
        camel = snake_dict_to_camel_dict(given, capitalize_first=True)
        return {"ResourceIds": [self.resource_id], **camel}


@dataclass(frozen=True)
class FlowLogPlan:
    """The plan of one flow log."""

    desired: DesiredFlowLog
    before: State | None
    replace: bool = False
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or self.replace or bool(self.set_tags or self.delete_tags)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a new flow log."""
        before = self.before or {}
        kept = {key: before[key] for key in SETTINGS if before.get(key) is not None}
        return {**kept, **self.desired.options}

    @property
    def after(self) -> State:
        """The flow log as it will be."""
        if self.before is None or self.replace:
            ids = {"resource_id": self.desired.resource_id, "log_destination": self.desired.log_destination}
            made = {**ids, "log_destination_type": self.desired.kinds["log_destination_type"], **self.settings}
            return {**made, "tags": self.set_tags}
        tags = {**self.before["tags"], **self.set_tags}
        return {**self.before, "tags": {key: tags[key] for key in tags if key not in self.delete_tags}}


def desired_flow_log(params: Mapping[str, Any]) -> DesiredFlowLog:
    """Module parameters as DesiredFlowLog."""
    tags = params["tags"]
    return DesiredFlowLog(
        resource_id=params["resource_id"],
        log_destination=params["log_destination"].removesuffix(":*"),  # as DescribeLogGroups has it
        **{option: params[option] for option in OPTIONS},
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=params["purge_tags"],
    )


def flow_log_problems(model: ServiceModel, desired: DesiredFlowLog) -> list[str]:
    """One sentence for each mistake in a wanted flow log."""
    problems = [*_kind_problems(desired), *input_problems(model, "CreateFlowLogs", desired.params(desired.options))]
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {}, own=OWN_TAGS)]
    return [f"flow log of {desired.resource_id}: {problem}" for problem in problems]


def _kind_problems(desired: DesiredFlowLog) -> Iterator[str]:
    kinds = desired.kinds
    if "resource_type" not in kinds:
        yield f"resource_id is {desired.resource_id}; it must begin with {', '.join(f'{kind}-' for kind in RESOURCES)}"
    if "log_destination_type" not in kinds:
        yield (
            f"log_destination is {desired.log_destination}; it must be the ARN of a bucket, with or without a folder,"
            " of a log group, or of a delivery stream"
        )
    if kinds.get("log_destination_type") == "s3" and "AWSLogs" in desired.log_destination.split("/"):
        yield f"log_destination is {desired.log_destination}; no folder must be AWSLogs, which AWS adds itself"
    if kinds.get("log_destination_type") == "cloud-watch-logs" and not desired.deliver_logs_permission_arn:
        yield "deliver_logs_permission_arn must be given for a log group: the role that AWS writes there with"


def read_flow_log(client: EC2Client, resource_id: str, log_destination: str) -> State | None:
    """The flow log of this resource to this destination; None if there is none. Raises InputError if several are."""
    answers = api.describe_flow_logs(client, {"resource-id": resource_id})
    logs: list[State] = [boto3_resource_to_ansible_dict(dict(answer)) for answer in answers]
    found = [each for each in logs if is_written_to(each, log_destination)]
    if len(found) > 1:
        ids = " and ".join(sorted(each["flow_log_id"] for each in found))
        raise InputError([f"flow log of {resource_id}: {ids} are both written to {log_destination}; delete one"])
    return found[0] if found else None


def is_written_to(flow_log: Mapping[str, Any], log_destination: str) -> bool:
    """Whether a flow log has this destination. For a log group AWS may return only the name."""
    has = flow_log.get("log_destination")
    if has:
        return bool(has.removesuffix(":*").rstrip("/") == log_destination.rstrip("/"))
    arn = ARN.fullmatch(log_destination)
    return arn is not None and arn["name"] == f"{LOG_GROUP}{flow_log.get('log_group_name')}"


def plan_flow_log(desired: DesiredFlowLog, current: State | None) -> FlowLogPlan:
    """The plan from `current`, the result of `read_flow_log`, to `desired`."""
    replace = current is not None and any(current.get(key) != value for key, value in desired.options.items())
    has = current["tags"] if current else {}
    to_set, to_delete = compare_aws_tags(has, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    if replace:
        to_set = {key: value for key, value in {**has, **to_set}.items() if key not in to_delete}
        to_delete = []
    return FlowLogPlan(desired, current, replace, to_set, to_delete)


def apply_flow_log(client: EC2Client, plan: FlowLogPlan) -> None:
    """Makes the calls that the plan asks for. AWS changes nothing of a flow log but its tags."""
    if plan.before and not plan.replace:
        if plan.set_tags:
            api.create_tags(client, plan.before["flow_log_id"], plan.set_tags)
        if plan.delete_tags:
            api.delete_tags(client, plan.before["flow_log_id"], plan.delete_tags)
        return
    if plan.before:
        delete_flow_log(client, plan.before)
    tags = boto3_tag_specifications(dict(sorted(plan.set_tags.items())), types=["vpc-flow-log"])
    given = {"TagSpecifications": tags} if tags else {}
    desired = plan.desired
    text = f"create the flow log of {desired.resource_id} to {desired.log_destination}"
    _require_success(text, api.create_flow_logs(client, {**desired.params(plan.settings), **given}))
    _await(lambda: read_flow_log(client, desired.resource_id, desired.log_destination) is not None, text)


def delete_flow_log(client: EC2Client, current: State) -> None:
    """Deletes the flow log and waits until it is gone."""
    flow_log_id = current["flow_log_id"]
    _require_success(f"delete the flow log {flow_log_id}", api.delete_flow_logs(client, flow_log_id))
    found = {"flow-log-id": flow_log_id}
    _await(lambda: not api.describe_flow_logs(client, found), f"delete the flow log {flow_log_id}")


def _await(is_done: Callable[[], bool], text: str) -> None:
    wait_until(is_done, SECONDS, f"to {text}")


def _require_success(text: str, unsuccessful: list[Mapping[str, Any]]) -> None:
    """Raises an error for an answer with status 200 that lists failures."""
    for each in unsuccessful:
        raise NotebookError(f"Failed to {text}: {each['Error']['Code']}: {each['Error']['Message']}")


@dataclass
class FlowLog(Resource[FlowLogPlan]):
    """The flow log of the module ec2_vpc_flow_log."""

    client: EC2Client
    desired: DesiredFlowLog

    key = "flow_log"
    shown = (*OPTIONS, "tags")

    def problems(self) -> list[str]:
        return flow_log_problems(self.client.meta.service_model, self.desired)

    def read(self) -> State | None:
        return read_flow_log(self.client, self.desired.resource_id, self.desired.log_destination)

    def plan(self, current: State | None) -> FlowLogPlan:
        return plan_flow_log(self.desired, current)

    def apply(self, plan: FlowLogPlan) -> None:
        apply_flow_log(self.client, plan)

    def delete(self, current: State) -> None:
        delete_flow_log(self.client, current)
