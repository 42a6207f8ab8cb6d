# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When instances ran, from events or from CloudTrail's records, and the calls that read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ansible_collections.datalab.notebooks.plugins.module_utils.events.usage import (
    CALLS,
    STOPS_GROUP,
    events_of,
    events_of_calls,
    read_usage,
    stops_of,
)

if TYPE_CHECKING:
    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

GROUP = "/aws/events/datalab"
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
SPAN = {"startTime": int(SINCE.timestamp() * 1000), "endTime": int(UNTIL.timestamp() * 1000)}


def line(
    status: str, second: int = 0, kind: str = "ml.t3.medium", name: str = "alice", modified: int = 0
) -> dict[str, Any]:
    detail = {
        "NotebookInstanceName": name,
        "NotebookInstanceStatus": status,
        "InstanceType": kind,
        "LastModifiedTime": modified,
        "Tags": {"owner": name},
    }
    told = {
        "detail-type": "SageMaker Notebook Instance State Change",
        "time": f"2026-11-03T08:12:{second:02}Z",
        "detail": detail,
    }
    return {"message": json.dumps(told)}


def states(lines: list[dict[str, Any]]) -> list[str]:
    return [event["status"] for event in events_of(lines)]


def test_an_event_is_told_once_and_in_its_order() -> None:
    twice = [line("InService", 2), line("Pending", 1), line("InService", 2), line("Stopping", 9)]
    assert states(twice) == ["Pending", "InService", "Stopping"]
    assert states([line("Stopped", 4, modified=2), line("Stopping", 4, modified=1)]) == ["Stopping", "Stopped"]
    resized = [line("Stopped", 1), line("Updating", 2, "ml.m5.xlarge"), line("Stopped", 3, "ml.m5.xlarge")]
    assert states(resized) == ["Stopped", "Updating", "Stopped"]
    assert states([line("InService", 1), line("InService", 1, name="bob")]) == ["InService", "InService"]


def test_an_event_has_what_is_counted_by() -> None:
    other = [{"message": "no JSON"}, {"message": "[]"}, {"message": json.dumps({"detail-type": "another"})}]
    assert list(events_of([*other, line("InService", 5)])) == [
        {
            "time": "2026-11-03T08:12:05Z",
            "instance": "alice",
            "status": "InService",
            "instance_type": "ml.t3.medium",
            "tags": {"owner": "alice"},
            "volume_size": None,
        }
    ]


def call(name: str, hour: int, **more: Any) -> dict[str, Any]:
    parameters = {"notebookInstanceName": "alice", **more.pop("parameters", {})}
    time = f"2026-11-03T{hour:02}:00:00Z"
    return {"eventName": f"{name}NotebookInstance", "eventTime": time, "requestParameters": parameters, **more}


def test_calls_tell_what_an_instance_was() -> None:
    created = {"instanceType": "ml.t3.medium", "volumeSizeInGB": 5, "tags": [{"key": "owner", "value": "alice"}]}
    found = events_of_calls(
        [
            call("Stop", 9),
            call("Create", 8, parameters=created),
            call("Start", 10, errorCode="ValidationException"),
            call("Update", 11, parameters={"instanceType": "ml.m5.xlarge"}),
            call("Start", 12),
        ]
    )
    assert [(each["status"], each["instance_type"], each["volume_size"]) for each in found] == [
        ("InService", "ml.t3.medium", 5),
        ("Stopping", "ml.t3.medium", 5),
        ("Updating", "ml.m5.xlarge", 5),
        ("InService", "ml.m5.xlarge", 5),
    ]
    assert found[-1]["tags"] == {"owner": "alice"}


def test_stops_are_what_autostop_has_logged() -> None:
    logged = {"autostop": "stop", "reason": "idle for 62 min", "idle": 3725, "busy": 5400, "running": 9300}
    about = {"timestamp": int(SINCE.timestamp() * 1000), "logStreamName": "alice/autostop"}
    lines = [
        {**about, "message": json.dumps(logged)},
        {**about, "message": "autostop is a word in a script's output"},
        {**about, "message": json.dumps(logged), "logStreamName": "alice/jupyter.log"},
    ]
    assert list(stops_of(lines)) == [
        {
            "time": "2026-11-01T00:00:00Z",
            "instance": "alice",
            "decision": "stop",
            "reason": "idle for 62 min",
            "idle": 3725,
            "busy": 5400,
            "running": 9300,
        }
    ]


def no_stops(logs: Script) -> None:
    asked = {"logGroupName": STOPS_GROUP, **SPAN, "filterPattern": "autostop"}
    logs.refuse("filter_log_events", asked, "ResourceNotFoundException", "The specified log group does not exist.")


def test_events_are_read_by_three_calls(logs: Script, cloudtrail: Script) -> None:
    made = SINCE + timedelta(days=2)
    group = {"logGroupName": GROUP, "creationTime": int(made.timestamp() * 1000)}
    longer = {"logGroupName": f"{GROUP}-other", "creationTime": 0}
    logs.call("describe_log_groups", {"logGroupNamePrefix": GROUP}, {"logGroups": [longer, group]})
    logs.call("filter_log_events", {"logGroupName": GROUP, **SPAN}, {"events": [line("InService")]})
    no_stops(logs)
    clients = {"logs": logs.client, "cloudtrail": cloudtrail.client}
    found = read_usage(clients, GROUP, SINCE, UNTIL)
    assert (found["source"], found["since"], len(found["events"]), found["stops"]) == (
        "events",
        "2026-11-03T00:00:00Z",
        1,
        [],
    )


def test_without_a_log_group_cloudtrail_is_asked_for_its_90_days(logs: Script, cloudtrail: Script) -> None:
    since = UNTIL - timedelta(days=200)
    logs.call("describe_log_groups", {"logGroupNamePrefix": GROUP}, {"logGroups": []})
    for name in CALLS:
        only = [{"AttributeKey": "EventName", "AttributeValue": name}]
        asked = {"LookupAttributes": only, "StartTime": UNTIL - timedelta(days=90), "EndTime": UNTIL}
        event = {"CloudTrailEvent": json.dumps(call("Create", 8, parameters={"instanceType": "ml.t3.medium"}))}
        cloudtrail.call("lookup_events", asked, {"Events": [event] if name.startswith("Create") else []})
    asked = {**SPAN, "startTime": int(since.timestamp() * 1000)}
    answer: dict[str, Any] = {"events": []}
    logs.call("filter_log_events", {"logGroupName": STOPS_GROUP, **asked, "filterPattern": "autostop"}, answer)
    found = read_usage({"logs": logs.client, "cloudtrail": cloudtrail.client}, GROUP, since, UNTIL)
    assert (found["source"], found["since"], len(found["events"])) == ("cloudtrail", "2026-09-02T00:00:00Z", 1)
