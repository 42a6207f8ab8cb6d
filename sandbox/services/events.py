# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SageMaker's events, which moto does not send: each change of an instance's status goes to the rules that match it.

Only log groups get events, and only those to which a resource policy lets EventBridge write: on AWS an event for
another group is lost without an error.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from moto.core.utils import iso_8601_datetime_without_milliseconds, unix_time_millis
from moto.events.models import events_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random

from .sagemaker.backend import NotebookBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sagemaker.history import Change

WRITER = "events.amazonaws.com"
ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")


def install() -> None:
    """Install the delivery of events, before moto's first EventBridge request."""
    NotebookBackend.tell = deliver


def deliver(change: Change) -> None:
    """Write the event of a change to the log groups to which rules send it."""
    if change.detail["NotebookInstanceStatus"] == "Deleted":
        return  # the instance is gone, and no client ever sees this status
    told: dict[str, Any] = event(change)
    logs = logs_backends[change.account][change.region]
    for arn in _targets(change, told):
        group = arn.split(":log-group:")[-1].removesuffix(":*")
        if group in logs.groups and _may_write(logs.describe_resource_policies(), arn):
            stream = str(mock_random.uuid4())
            logs.create_log_stream(group, stream)
            line = {"timestamp": int(unix_time_millis(change.time)), "message": json.dumps(told)}
            logs.put_log_events(group, stream, [line])


def event(change: Change) -> dict[str, Any]:
    """Return the event that SageMaker sends about a change."""
    return {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": "SageMaker Notebook Instance State Change",
        "source": "aws.sagemaker",
        "account": change.account,
        "time": iso_8601_datetime_without_milliseconds(change.time),
        "region": change.region,
        "resources": [change.detail["NotebookInstanceArn"]],
        "detail": change.detail,
    }


def _targets(change: Change, told: Any) -> Iterator[str]:
    rules = events_backends[change.account][change.region].event_buses["default"].rules.values()
    for rule in rules:
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(told):
            yield from (target["Arn"] for target in rule.targets if ":log-group:" in target["Arn"])


def _may_write(policies: list[Any], arn: str) -> bool:
    """Return whether the policies allow both actions, and deny none."""
    statements = [each for policy in policies for each in json.loads(policy.policy_document)["Statement"]]
    stream = f"{arn.removesuffix(':*')}:log-stream:any"
    return all(
        {each["Effect"] for each in statements if _applies(each, action, stream)} == {"Allow"} for action in ACTIONS
    )


def _applies(statement: dict[str, Any], action: str, stream: str) -> bool:
    principal = statement.get("Principal", {})
    services = principal if isinstance(principal, str) else principal.get("Service", [])
    of = ((WRITER, services), (action, statement.get("Action", [])), (stream, statement.get("Resource", [])))
    return all(any(fnmatchcase(value, pattern) for pattern in _listed(patterns)) for value, patterns in of)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
