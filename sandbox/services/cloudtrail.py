# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""LookupEvents, which moto lacks, for calls that have changed an instance's status."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from moto.cloudtrail import urls
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import iso_8601_datetime_without_milliseconds, unix_time

from .sagemaker import changes
from .sagemaker.listing import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sagemaker.history import Change

PAGE_SIZE = 50
CALLS = {"Stopping": "Stop", "Updating": "Update", "Deleting": "Delete"}


class LookupAttributesError(JsonRESTError):
    """CloudTrail's refusal of more than one attribute."""

    def __init__(self) -> None:
        super().__init__("InvalidLookupAttributesException", "LookupAttributes must have at most one item.")


class EventsResponse(CloudTrailResponse):
    """moto's CloudTrail, with the events of instances."""

    def lookup_events(self) -> str:
        """LookupEvents."""
        asked = json.loads(self.body)
        if len(asked.get("LookupAttributes", [])) > 1:
            raise LookupAttributesError
        recorded = [
            change for change in changes() if (change.account, change.region) == (self.current_account, self.region)
        ]
        wanted = {each["AttributeKey"]: each["AttributeValue"] for each in asked.get("LookupAttributes", [])}
        first, last = asked.get("StartTime", 0), asked.get("EndTime", float("inf"))
        found = [
            each
            for each in events(recorded)
            if first <= each["EventTime"] <= last and all(each.get(key) == value for key, value in wanted.items())
        ]
        answer, token = page(
            found,
            order=lambda each: (f"{each['EventTime']:020.3f}", each["EventId"]),
            descending=True,
            size=min(asked.get("MaxResults", PAGE_SIZE), PAGE_SIZE),
            token=asked.get("NextToken"),
            query={key: value for key, value in asked.items() if key not in ("MaxResults", "NextToken")},
        )
        return json.dumps({"Events": answer, **({"NextToken": token} if token else {})})


def events(recorded: list[Change]) -> Iterator[dict[str, Any]]:
    """Yield CloudTrail's records of these changes: the calls, not their results."""
    exists: set[str] = set()
    for number, change in enumerate(recorded):
        name = "Start" if change.status == "Pending" else CALLS.get(change.status)
        if name == "Start" and change.name not in exists:
            name = "Create"
            exists.add(change.name)
        if change.status == "Deleting":
            exists.discard(change.name)
        if name:
            yield _event(number, f"{name}NotebookInstance", change)


def _event(number: int, name: str, change: Change) -> dict[str, Any]:
    parameters: dict[str, Any] = {"notebookInstanceName": change.name}
    if name.startswith(("Create", "Update")):
        parameters |= {"instanceType": change.instance_type, "volumeSizeInGB": change.volume_size}
    if name.startswith("Create"):
        parameters["tags"] = [{"key": key, "value": value} for key, value in change.tags.items()]
    time = unix_time(change.time)
    told = {
        "eventVersion": "1.09",
        "eventTime": iso_8601_datetime_without_milliseconds(change.time.replace(tzinfo=UTC)),
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": name,
        "awsRegion": change.region,
        "requestParameters": parameters,
        "recipientAccountId": change.account,
    }
    return {
        "EventId": f"00000000-0000-0000-0000-{number:012d}",
        "EventName": name,
        "EventSource": "sagemaker.amazonaws.com",
        "EventTime": time,
        "ReadOnly": "false",
        "Resources": [],
        "CloudTrailEvent": json.dumps(told),
    }


def install() -> None:
    """Install the operation in moto, before its first CloudTrail request."""
    urls.url_paths["{0}/$"] = EventsResponse.dispatch
