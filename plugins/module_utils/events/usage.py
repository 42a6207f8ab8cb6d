# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""When instances ran: from the events in a log group, or else from the calls in CloudTrail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from ..cloudtrail.api import lookup_events
from ..logs import api as logs

DETAIL_TYPE = "SageMaker Notebook Instance State Change"
STOPS_GROUP = "/aws/sagemaker/NotebookInstances"  # where instances log
STOPS_STREAM = "autostop"  # after the instance's name: what notebooks print is in other streams
CLOUDTRAIL_DAYS = 90
# The state that follows from a call at once. A start is paid a few minutes later, when the instance is in service:
# calls do not show that moment.
CALLS = {
    "CreateNotebookInstance": "InService",
    "StartNotebookInstance": "InService",
    "StopNotebookInstance": "Stopping",
    "UpdateNotebookInstance": "Updating",
    "DeleteNotebookInstance": "Deleting",
}

Event = dict[str, Any]


def read_usage(clients: Mapping[str, Any], log_group: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Events, stops and since when they were recorded; `since` is None if nothing has been recorded."""
    span = {"startTime": _milliseconds(since), "endTime": _milliseconds(until)}
    groups = [
        each for each in logs.describe_log_groups(clients["logs"], log_group) if each["logGroupName"] == log_group
    ]
    told = logs.filter_log_events(clients["logs"], log_group, span) if groups else None
    if told is None:
        found, source, begin = _from_cloudtrail(clients["cloudtrail"], since, until), "cloudtrail", _recorded(until)
    else:
        found, source = list(events_of(told)), "events"
        begin = datetime.fromtimestamp(groups[0]["creationTime"] // 1000, UTC)
    lines = logs.filter_log_events(clients["logs"], STOPS_GROUP, {**span, "filterPattern": "autostop"})
    return {
        "events": found,
        "source": source,
        "since": as_text(max(since, begin)) if found or source == "events" else None,
        "stops": list(stops_of(lines or ())),
    }


def _from_cloudtrail(client: Any, since: datetime, until: datetime) -> list[Event]:
    begin = max(since, _recorded(until))
    return events_of_calls(chain.from_iterable(lookup_events(client, name, begin, until) for name in CALLS))


def _recorded(until: datetime) -> datetime:
    return until - timedelta(days=CLOUDTRAIL_DAYS)


def events_of(told: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """The changes of instances among the lines of a log group, in their order. AWS may send one several times."""
    changes = [
        line for line in map(_json, (each["message"] for each in told)) if line.get("detail-type") == DETAIL_TYPE
    ]
    changes.sort(key=lambda line: (line["time"], line["detail"].get("LastModifiedTime", 0)))
    last: dict[str, tuple[Any, ...]] = {}
    for line in changes:
        event = _event(line["time"], line["detail"])
        state = (event["status"], event["instance_type"])
        if last.get(event["instance"]) != state:
            last[event["instance"]] = state
            yield event


def _event(time: str, detail: Mapping[str, Any]) -> Event:
    return {
        "time": time,
        "instance": detail["NotebookInstanceName"],
        "status": detail["NotebookInstanceStatus"],
        "instance_type": detail.get("InstanceType", ""),
        "tags": detail.get("Tags") or {},
        "volume_size": detail.get("VolumeSizeInGB"),
    }


def events_of_calls(calls: Iterable[Mapping[str, Any]]) -> list[Event]:
    """The changes that follow from calls that AWS has accepted, in their order."""
    accepted = (call for call in calls if "errorCode" not in call)
    found: list[Event] = []
    known: dict[str, dict[str, Any]] = {}  # of an instance: what earlier calls have told
    for call in sorted(accepted, key=lambda call: str(call["eventTime"])):
        asked = call.get("requestParameters") or {}
        name = asked["notebookInstanceName"]
        if call["eventName"] == "CreateNotebookInstance":
            known[name] = {"tags": {tag["key"]: tag["value"] for tag in asked.get("tags") or ()}}
        about = known.setdefault(name, {"tags": {}})
        about |= {key: asked[key] for key in ("instanceType", "volumeSizeInGB") if asked.get(key)}
        found.append(
            {
                "time": call["eventTime"],
                "instance": name,
                "status": CALLS[call["eventName"]],
                "instance_type": about.get("instanceType", ""),
                "tags": about["tags"],
                "volume_size": about.get("volumeSizeInGB"),
            }
        )
    return found


def stops_of(lines: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines of autostop, with the instance, which is in the name of the log stream."""
    for each in lines:
        instance, _slash, stream = each["logStreamName"].partition("/")
        line = _json(each["message"]) if stream == STOPS_STREAM else {}
        if "autostop" in line:
            yield {
                "time": as_text(datetime.fromtimestamp(each["timestamp"] // 1000, UTC)),
                "instance": instance,
                "decision": line["autostop"],
                "reason": line.get("reason", ""),
                **{key: line.get(key, 0) for key in ("idle", "busy", "running")},
            }


def _json(text: str) -> dict[str, Any]:
    """The object that a line is; {} for any other line."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def as_text(time: datetime) -> str:
    """A moment as AWS's events have it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
