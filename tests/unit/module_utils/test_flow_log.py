# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flow logs: what has to change, and the calls that change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common import polling
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2 import flow_log as module
from ansible_collections.datalab.notebooks.plugins.module_utils.ec2.flow_log import (
    DesiredFlowLog,
    FlowLog,
    apply_flow_log,
    delete_flow_log,
    desired_flow_log,
    flow_log_problems,
    is_written_to,
    plan_flow_log,
    read_flow_log,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

VPC, ID = "vpc-0123456789abcdef0", "fl-0123456789abcdef0"
BUCKET = "arn:aws:s3:::acme-logs/network/"
GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/acme/network"
STREAM = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/network"
ROLE = "arn:aws:iam::123456789012:role/flow-logs"
CREATED = {"ResourceIds": [VPC], "ResourceType": "VPC", "LogDestination": BUCKET, "LogDestinationType": "s3"}
BY_VPC = {"Filter": [{"Name": "resource-id", "Values": [VPC]}]}
BY_ID = {"Filter": [{"Name": "flow-log-id", "Values": [ID]}]}
DELETED = {"FlowLogIds": [ID]}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waits take no time."""
    monkeypatch.setattr(polling, "FIRST_DELAY", 0)


def current(**more: Any) -> dict[str, Any]:
    """A flow log as read_flow_log() returns it."""
    return {
        "flow_log_id": ID,
        "flow_log_status": "ACTIVE",
        "resource_id": VPC,
        "log_destination": BUCKET,
        "log_destination_type": "s3",
        "traffic_type": "ALL",
        "log_format": "${version}",
        "max_aggregation_interval": 600,
        "tags": {},
        **more,
    }


def want(**more: Any) -> DesiredFlowLog:
    return DesiredFlowLog(VPC, more.pop("log_destination", BUCKET), **more)


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired flow log, and the expected plan."""

    name: str
    desired: DesiredFlowLog
    current: dict[str, Any]
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    replace: bool = False


TAGGED = current(tags={"team": "research", "theirs": "1"})
BOTH = TAGGED["tags"]
CASES = [
    Case("nothing given", want(), TAGGED),
    Case("all as given", want(log_format="${version}", max_aggregation_interval=600, tags=BOTH), TAGGED),
    Case("missing tag", want(tags={"cost": "1"}, purge_tags=False), TAGGED, {"cost": "1"}),
    Case("purged tag", want(tags={"team": "research"}), TAGGED, {}, ["theirs"]),
    Case("all tags purged", want(tags={}), TAGGED, {}, ["team", "theirs"]),
    Case("other traffic", want(traffic_type="REJECT"), TAGGED, BOTH, replace=True),
    Case("another format", want(log_format="${srcaddr}"), current(), replace=True),
    Case("another interval", want(max_aggregation_interval=60), current(), replace=True),
    Case("another role", want(deliver_logs_permission_arn=ROLE), current(), replace=True),
    Case("other traffic and tags", want(traffic_type="REJECT", tags={"team": "fraud", "cost": "1"}), TAGGED,
         {"team": "fraud", "cost": "1"}, replace=True),
    Case("other traffic, tags of others stay", want(traffic_type="REJECT", tags={"cost": "1"}, purge_tags=False),
         TAGGED, {**BOTH, "cost": "1"}, replace=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(case: Case) -> None:
    made = plan_flow_log(case.desired, case.current)
    assert (made.set_tags, made.delete_tags, made.replace) == (case.set_tags, case.delete_tags, case.replace)
    assert made.changed == bool(case.set_tags or case.delete_tags or case.replace)
    assert plan_flow_log(case.desired, {**case.current, **made.after}).changed is False
    assert ("flow_log_id" in made.after) is not case.replace


def test_plans_a_creation() -> None:
    made = plan_flow_log(want(traffic_type="REJECT", tags={"a": "1"}), None)
    assert made.changed
    assert made.after == {
        "resource_id": VPC,
        "log_destination": BUCKET,
        "log_destination_type": "s3",
        "traffic_type": "REJECT",
        "tags": {"a": "1"},
    }


# Options


def test_options() -> None:
    nothing = {"deliver_logs_permission_arn": None, "log_format": None, "max_aggregation_interval": None}
    options = {"resource_id": VPC, "traffic_type": "ALL", "purge_tags": True, "tags": {"cost": 42}, **nothing}
    assert desired_flow_log({**options, "log_destination": BUCKET}) == want(tags={"cost": "42"})
    group = desired_flow_log({**options, "log_destination": f"{GROUP}:*", "tags": None})
    assert group == want(log_destination=GROUP)


@pytest.mark.parametrize(
    ("desired", "about"),
    [
        (want(tags={"datalab:network": "datalab"}), []),
        (DesiredFlowLog("subnet-0a", STREAM), []),
        (DesiredFlowLog("eni-0a", GROUP, deliver_logs_permission_arn=ROLE), []),
        (want(log_destination=GROUP), ["deliver_logs_permission_arn must be given for a log group"]),
        (DesiredFlowLog("i-0a", BUCKET), ["resource_id is i-0a; it must begin with vpc-, subnet-, eni-"]),
        (want(log_destination="acme-logs"), ["log_destination is acme-logs; it must be the ARN of a bucket"]),
        (want(log_destination="arn:aws:sqs:eu-central-1:123456789012:x"), ["log_destination is arn:aws:sqs"]),
        (want(log_destination=f"{BUCKET}AWSLogs"), [f"log_destination is {BUCKET}AWSLogs; no folder must be AWSLogs"]),
        (want(tags={"aws:x": "1"}), ["tags: "]),
    ],
    ids=str,
)
def test_tells_every_problem(desired: DesiredFlowLog, about: list[str], ec2: Script) -> None:
    problems = flow_log_problems(ec2.client.meta.service_model, desired)
    assert len(problems) == len(about)
    for problem, text in zip(problems, about, strict=True):
        assert problem.startswith(f"flow log of {desired.resource_id}: {text}")


# Reading


def answer(**more: Any) -> dict[str, Any]:
    """An element of DescribeFlowLogs' answer."""
    return {"FlowLogId": ID, "ResourceId": VPC, "LogDestination": BUCKET, "TrafficType": "ALL", **more}


def lists(ec2: Script, *found: dict[str, Any], by: dict[str, Any] = BY_VPC) -> None:
    ec2.call("describe_flow_logs", by, {"FlowLogs": list(found)})


@pytest.mark.parametrize(
    ("flow_log", "destination", "matches"),
    [
        ({"log_destination": BUCKET}, BUCKET, True),
        ({"log_destination": BUCKET}, BUCKET.rstrip("/"), True),
        ({"log_destination": "arn:aws:s3:::acme-logs"}, BUCKET, False),
        ({"log_destination": f"{GROUP}:*", "log_group_name": "/acme/network"}, GROUP, True),
        ({"log_group_name": "/acme/network"}, GROUP, True),
        ({"log_group_name": "/acme"}, GROUP, False),
        ({"log_group_name": "acme-logs"}, BUCKET, False),
    ],
)
def test_a_flow_log_is_known_by_its_destination(flow_log: dict[str, Any], destination: str, matches: bool) -> None:
    assert is_written_to(flow_log, destination) is matches


def test_finds_it_on_any_page(ec2: Script) -> None:
    others = [answer(LogDestination="arn:aws:s3:::others"), answer(LogDestination=GROUP)]
    ec2.call("describe_flow_logs", BY_VPC, {"FlowLogs": others, "NextToken": "more"})
    made = {"CreationTime": datetime(2026, 7, 1, tzinfo=UTC), "Tags": [{"Key": "TeamName", "Value": "x"}]}
    lists(ec2, answer(**made), by={**BY_VPC, "NextToken": "more"})
    assert read_flow_log(ec2.client, VPC, BUCKET) == {
        "flow_log_id": ID,
        "resource_id": VPC,
        "log_destination": BUCKET,
        "traffic_type": "ALL",
        "creation_time": "2026-07-01T00:00:00+00:00",
        "tags": {"TeamName": "x"},
    }


def test_there_is_none(ec2: Script) -> None:
    lists(ec2, answer(LogDestination=GROUP))
    assert read_flow_log(ec2.client, VPC, BUCKET) is None


def test_two_of_a_destination_are_refused(ec2: Script) -> None:
    lists(ec2, answer(FlowLogId="fl-2"), answer(FlowLogId="fl-1"))
    with pytest.raises(InputError) as caught:
        read_flow_log(ec2.client, VPC, BUCKET)
    text = f"flow log of {VPC}: fl-1 and fl-2 are both written to {BUCKET}; delete one"
    assert caught.value.problems == [text]


# Changing


def apply(ec2: Script, desired: DesiredFlowLog, has: dict[str, Any] | None) -> None:
    apply_flow_log(ec2.client, plan_flow_log(desired, has))


def test_creates_with_everything_and_waits_until_it_is_there(ec2: Script) -> None:
    tags = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}]
    to_group = {**CREATED, "LogDestination": GROUP, "LogDestinationType": "cloud-watch-logs"}
    options = {"DeliverLogsPermissionArn": ROLE, "LogFormat": "${srcaddr}", "MaxAggregationInterval": 60}
    params = {**to_group, **options, "TrafficType": "REJECT", "TagSpecifications": tags}
    ec2.call("create_flow_logs", params, {"FlowLogIds": [ID]})
    lists(ec2)  # AWS may take a moment to show it
    lists(ec2, answer(LogDestination=GROUP))
    desired = DesiredFlowLog(VPC, GROUP, "REJECT", ROLE, "${srcaddr}", 60, {"b": "2", "a": "1"})
    apply(ec2, desired, None)


def test_creates_the_least(ec2: Script) -> None:
    ec2.call("create_flow_logs", {**CREATED, "TrafficType": "ALL"}, {"FlowLogIds": [ID]})
    lists(ec2, answer())
    apply(ec2, want(), None)


def test_one_that_does_not_come(ec2: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", -1)
    ec2.call("create_flow_logs", {**CREATED, "TrafficType": "ALL"}, {"FlowLogIds": [ID]})
    lists(ec2)
    with pytest.raises(NotebookError, match=f"to create the flow log of {VPC} to {BUCKET} has not finished after -1 s"):
        apply(ec2, want(), None)


def test_a_bucket_that_aws_must_not_write_to(ec2: Script) -> None:
    error = {"Code": "400", "Message": "Access Denied for LogDestination: acme-logs."}
    unsuccessful = {"FlowLogIds": [], "Unsuccessful": [{"ResourceId": VPC, "Error": error}]}
    ec2.call("create_flow_logs", {**CREATED, "TrafficType": "ALL"}, unsuccessful)
    with pytest.raises(NotebookError, match=f"Failed to create the flow log of {VPC} to {BUCKET}: 400: Access Denied"):
        apply(ec2, want(), None)


def test_changes_tags(ec2: Script) -> None:
    ec2.call("create_tags", {"Resources": [ID], "Tags": [{"Key": "a", "Value": "1"}]})
    ec2.call("delete_tags", {"Resources": [ID], "Tags": [{"Key": "team"}, {"Key": "theirs"}]})
    apply(ec2, want(tags={"a": "1"}), TAGGED)


def test_replaces_it_when_the_old_one_is_gone_with_what_is_not_given(ec2: Script) -> None:
    ec2.call("delete_flow_logs", DELETED)
    lists(ec2, answer(), by=BY_ID)
    lists(ec2, by=BY_ID)
    kept = {"LogFormat": "${version}", "DestinationOptions": {"FileFormat": "parquet", "PerHourPartition": True}}
    tags = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "team", "Value": "x"}]}]
    params = {**CREATED, **kept, "TrafficType": "REJECT", "MaxAggregationInterval": 600, "TagSpecifications": tags}
    ec2.call("create_flow_logs", params, {"FlowLogIds": ["fl-2"]})
    lists(ec2, answer(FlowLogId="fl-2"))
    has = current(destination_options={"file_format": "parquet", "per_hour_partition": True}, tags={"team": "x"})
    apply(ec2, want(traffic_type="REJECT"), has)


def test_no_change_makes_no_call(ec2: Script) -> None:
    apply(ec2, want(), current())


def test_a_deletion_that_is_refused(ec2: Script) -> None:
    error = {"Code": "InvalidFlowLogId.NotFound", "Message": "gone"}
    ec2.call("delete_flow_logs", DELETED, {"Unsuccessful": [{"ResourceId": ID, "Error": error}]})
    with pytest.raises(NotebookError, match=f"Failed to delete the flow log {ID}: InvalidFlowLogId.NotFound: gone"):
        delete_flow_log(ec2.client, current())


def test_the_diff_has_what_options_set(ec2: Script) -> None:
    made = plan_flow_log(want(traffic_type="REJECT"), current())
    shown = FlowLog(ec2.client, want()).diff(made.before, made.after)
    assert shown["before"]["traffic_type"] == "ALL"
    assert shown["after"] == {**shown["before"], "traffic_type": "REJECT"}
    assert FlowLog(ec2.client, want()).diff(made.before, None)["after"] == {}
