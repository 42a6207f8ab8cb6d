# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alice's instance, as desired and as AWS describes it; tests give only the differences."""

from __future__ import annotations

import dataclasses
import subprocess
from datetime import UTC, datetime
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    Current,
    Desired,
    current_from_answer,
)

NAME = "datalab-alice"
ROLE = "arn:aws:iam::123456789012:role/datalab-execution"
MODIFIED = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
SETTINGS = {"instance_type": "ml.t3.medium", "role_arn": ROLE, "volume_size_in_gb": 20}
STATUSES = (
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "PendingMaintenance",
    "InMaintenance",
)
RUNNING = ("InService", "Pending", "PendingMaintenance", "InMaintenance")


def arn_of(name: str) -> str:
    return f"arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"


def as_list(tags: dict[str, Any]) -> list[dict[str, str]]:
    """Return tags in the form of AWS: a list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def run_command(command: list[str], data: str) -> tuple[int, str, str]:
    """Run a command as AnsibleModule.run_command does."""
    done = subprocess.run(command, input=data, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def want(**given: Any) -> Desired:
    """The desired instance; a keyword that is no attribute of Desired is a setting."""
    attributes = {f.name for f in dataclasses.fields(Desired)}
    own = {key: value for key, value in given.items() if key in attributes}
    fields = {key: value for key, value in given.items() if key not in attributes}
    return Desired(**{"name": NAME, "owner": "alice", **own}, fields=fields)


def have(
    status: str, tags: dict[str, str] | None = None, own_tags: dict[str, str] | None = None, **fields: Any
) -> Current:
    """The current instance: SETTINGS, and the fields that are given; None removes one."""
    present = {key: value for key, value in {**SETTINGS, **fields}.items() if value is not None}
    return Current(NAME, arn_of(NAME), status, MODIFIED, present, tags or {}, own_tags or {})


def summary(name: str = NAME, status: str = "InService", **more: Any) -> dict[str, Any]:
    """An element of ListNotebookInstances' answer."""
    return {
        "NotebookInstanceName": name,
        "NotebookInstanceArn": arn_of(name),
        "NotebookInstanceStatus": status,
        "InstanceType": "ml.t3.medium",
        "LastModifiedTime": MODIFIED,
        **more,
    }


def answer(name: str = NAME, status: str = "InService", **more: Any) -> dict[str, Any]:
    """DescribeNotebookInstance's answer."""
    return {**summary(name, status), "RoleArn": ROLE, "VolumeSizeInGB": 20, **more}


def described(tags: dict[str, str] | None = None, **more: Any) -> Current:
    """Return the Current of AWS's answers."""
    return current_from_answer(answer(**more), tags or {})
