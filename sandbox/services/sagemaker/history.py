# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The changes of state of each instance, for EventBridge's events, CloudTrail's records and the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time_millis

if TYPE_CHECKING:
    from datetime import datetime

    from .models import NotebookInstance


@dataclass(frozen=True)
class Change:
    """A new status of an instance, and its settings at that time."""

    time: datetime
    status: str
    account: str
    region: str
    name: str
    role: str
    volume_size: int
    instance_type: str
    tags: dict[str, str]
    detail: dict[str, Any]  # of the event

    @classmethod
    def of(cls, instance: NotebookInstance, status: str) -> Change:
        """Return the change of an instance that has just got this status."""
        _, _, _, region, account, _ = instance.arn.split(":", maxsplit=5)
        tags = {tag["Key"]: tag["Value"] for tag in instance.tags}
        detail = {
            "NotebookInstanceArn": instance.arn,
            "NotebookInstanceName": instance.name,
            "NotebookInstanceStatus": status,
            "InstanceType": instance.instance_type,
            "SubnetId": instance.subnet_id,
            "SecurityGroups": instance.security_group_ids,
            "RoleArn": instance.role_arn,
            "KmsKeyId": instance.kms_key_id,
            "NotebookInstanceLifecycleConfigName": instance.lifecycle_config_name,
            "FailureReason": instance.failure_reason,
            "CreationTime": int(unix_time_millis(instance.creation_time)),
            "LastModifiedTime": int(unix_time_millis(instance.last_modified_time)),
            "Tags": tags,
        }
        return cls(
            time=instance.last_modified_time,
            status=status,
            account=account,
            region=region,
            name=instance.name,
            role=instance.role_arn,
            volume_size=instance.volume_size_in_gb,
            instance_type=instance.instance_type,
            tags=tags,
            detail={key: value for key, value in detail.items() if value is not None},
        )
