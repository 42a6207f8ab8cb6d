# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notebook instances that pass through their transitional states, lifecycle configurations and code repositories."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.common_models import BaseModel
from moto.core.model import StructureShape
from moto.core.utils import get_service_model, utcnow
from moto.moto_api import state_manager
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.managed_state_model import ManagedState
from moto.sagemaker.models import (
    FakeSagemakerNotebookInstance,
    FakeSageMakerNotebookInstanceLifecycleConfig,
)
from moto.sagemaker.utils import arn_formatter

from .history import Change

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

STATE_MODEL = "sagemaker::notebook_instance"
DELETED = "Deleted"  # the status after Deleting; no client ever sees it
TRANSITIONS: list[tuple[str | None, str]] = [
    ("Pending", "InService"),
    ("Stopping", "Stopped"),
    ("Updating", "Stopped"),
    ("Deleting", DELETED),
]
PASSING = frozenset(passing for passing, _ in TRANSITIONS)
FAIL_TAG = "sandbox:fail"
PLATFORM_TAG = "sandbox:platform"
STATUS_TAG = "sandbox:status"
FORGET_TAG = "sandbox:forget-starts"


def now() -> datetime:
    """Return the time in whole milliseconds, as AWS stores it."""
    time = utcnow()
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class NotebookInstance(ManagedState, FakeSagemakerNotebookInstance):
    """A notebook instance whose status advances by itself.

    Tags make it behave in ways that cannot be requested from AWS (README.md):

    - `sandbox:fail`: Pending ends in Failed; the value is the reason.
    - `sandbox:status`: the status as long as the instance has the tag, whatever happens meanwhile.
    - `sandbox:forget-starts`: this many Starts are accepted, but have no effect.
    - `sandbox:platform`, at creation: the OS, as if the instance were from before AWS retired it.
    """

    begin: ClassVar[Callable[[NotebookInstance, str], Future[str] | None] | None] = None  # Power.begin, with machines
    ended: ClassVar[Callable[[NotebookInstance], str] | None] = None  # Power.ended, with machines
    _job: Future[str] | None = None  # what the machine does during a transitional status
    _passing = RLock()  # a status advances when it is read, and several requests may read it at once

    def __init__(
        self,
        record: Callable[[Change], None],
        platform_identifier: str,
        ip_address_type: str,
        instance_metadata_service_configuration: dict[str, str],
        **fields: Any,
    ):
        ManagedState.__init__(self, STATE_MODEL, TRANSITIONS)
        self._record = record
        FakeSagemakerNotebookInstance.__init__(self, **fields)
        self.platform_identifier = self._tag(PLATFORM_TAG) or platform_identifier
        self.ip_address_type = ip_address_type
        self.instance_metadata_service_configuration = instance_metadata_service_configuration
        self.network_interface_id = f"eni-{mock_random.get_random_hex(17)}" if self.subnet_id else None
        self.creation_time = self.last_modified_time
        self._forgotten_starts = 0

    @property
    def name(self) -> str:
        """The name, which everything that can be listed has."""
        return self.notebook_instance_name

    @property
    def status(self) -> str:
        """The current status."""
        self._pass()
        return self._tag(STATUS_TAG) or str(self._status)

    @status.setter
    def status(self, value: str) -> None:
        self._status = value
        self._time_progressed = datetime.now()  # noqa: DTZ005  # what ManagedState compares it with
        self.failure_reason: str | None = None
        self.last_modified_time = now()
        self._note()
        self._pass()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state that outlives the server, without the machine's job."""
        return {name: value for name, value in vars(self).items() if name != "_job"}

    def switch_off(self) -> None:
        """Begin to stop, because the server ends; the server itself stops the machine."""
        if self._status not in {"Stopped", "Failed", "Deleting", DELETED}:
            self._job = None
            self.status = "Stopping"

    def resume(self) -> None:
        """Continue a deletion that the last server has not finished."""
        if self._status == "Deleting":
            self.delete()

    def _note(self) -> None:
        if "arn" in vars(self):  # moto sets a status before the instance has its ARN
            self._record(Change.of(self, str(self._status)))

    def _pass(self) -> None:
        """Leave a transitional state if its time is over. LastModifiedTime becomes the moment at which it was over."""
        with self._passing:
            if self._status == "InService":
                self._fail_if_ended()
            if self._status not in PASSING:
                return
            if self._job is not None:
                self._pass_with_machine(self._job)
                return
            before, after = self._status, ManagedState.status.__get__(self)
            if after == before:
                return
            transition = state_manager.get_transition(STATE_MODEL)
            if transition["progression"] == "time":
                self.last_modified_time += timedelta(seconds=transition["seconds"])
            self._note()

    def _fail_if_ended(self) -> None:
        ended = type(self).ended
        if reason := ended(self) if ended else "":
            self._status, self.failure_reason = "Failed", reason
            self.last_modified_time = now()
            self._note()

    def _pass_with_machine(self, job: Future[str]) -> None:
        if not job.done():
            return
        self._job = None
        self.last_modified_time = now()
        reason = job.result()
        self._status = "Failed" if reason else self._get_next_status(self._status)
        self.failure_reason = reason or self.failure_reason
        self._note()

    def _go(self, status: str) -> None:
        """Enter a transitional state: the machine or, without a machine, the clock decides how long it lasts."""
        begin = type(self).begin
        self._job = begin(self, status) if begin else None
        self.status = status

    def _get_next_status(self, previous: str | None) -> str | None:
        wanted = self._tag(FAIL_TAG)
        if previous == "Pending" and wanted is not None:
            self.failure_reason = wanted or f"The tag {FAIL_TAG} is set."
            return "Failed"
        return super()._get_next_status(previous)

    def _tag(self, key: str) -> str | None:
        return next((tag["Value"] for tag in self.tags if tag["Key"] == key), None)

    def validate_volume_size_in_gb(self, volume_size_in_gb: int) -> None:
        """Do nothing: the service model's limits were checked before."""

    def validate_instance_type(self, instance_type: str) -> None:
        """Do nothing: the service model's enum was checked before, and moto's own list is from 2019."""

    def start(self) -> None:
        """Begin to start."""
        self._go("Pending")

    def start_or_forget(self) -> None:
        """Begin to start, unless the tag sandbox:forget-starts applies to this Start."""
        if self._forgotten_starts < int(self._tag(FORGET_TAG) or 0):
            self._forgotten_starts += 1
        else:
            self.start()

    def stop(self) -> None:
        """Begin to stop."""
        self._go("Stopping")

    def update(self, attributes: dict[str, Any]) -> None:
        """Set other values, and begin to apply them."""
        vars(self).update(attributes)
        self.status = "Updating"

    def delete(self) -> None:
        """Begin to be deleted."""
        self._go("Deleting")

    def to_dict(self) -> dict[str, Any]:
        """Return the instance as DescribeNotebookInstance does."""
        status = self.status
        return super().to_dict() | {
            "NotebookInstanceStatus": status,
            "FailureReason": self.failure_reason,
            "NetworkInterfaceId": self.network_interface_id,
            "LastModifiedTime": self.last_modified_time,
            "PlatformIdentifier": self.platform_identifier,
            "IpAddressType": self.ip_address_type,
            "InstanceMetadataServiceConfiguration": self.instance_metadata_service_configuration,
        }

    def summary(self) -> dict[str, Any]:
        """Return the instance as ListNotebookInstances does."""
        described = self.to_dict()
        return {name: described[name] for name in _summary_members() if described[name] is not None}


@cache
def _summary_members() -> tuple[str, ...]:
    shape = get_service_model("sagemaker").shape_for("NotebookInstanceSummary")
    assert isinstance(shape, StructureShape)
    return tuple(shape.members)


class LifecycleConfig(FakeSageMakerNotebookInstanceLifecycleConfig):
    """A lifecycle configuration that can be updated, tagged and listed."""

    def __init__(self, tags: list[dict[str, str]], **fields: Any):
        super().__init__(**fields)
        self.tags = tags
        self.creation_time = self.last_modified_time = now()

    @property
    def name(self) -> str:
        """The name, which everything that can be listed has."""
        return self.notebook_instance_lifecycle_config_name

    def replace_scripts(self, on_create: list[dict[str, str]] | None, on_start: list[dict[str, str]] | None) -> None:
        """Replace each script that is given; an empty list removes it."""
        self.on_create = self.on_create if on_create is None else on_create
        self.on_start = self.on_start if on_start is None else on_start
        self.last_modified_time = now()

    def to_dict(self) -> dict[str, Any]:
        """Return the lifecycle configuration as DescribeNotebookInstanceLifecycleConfig does."""
        return {
            "NotebookInstanceLifecycleConfigArn": self.arn,
            "NotebookInstanceLifecycleConfigName": self.name,
            "OnCreate": self.on_create,
            "OnStart": self.on_start,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
        }


class CodeRepository(BaseModel):
    """A Git repository that notebook instances can name."""

    def __init__(
        self, account_id: str, region_name: str, name: str, git_config: dict[str, str], tags: list[dict[str, str]]
    ):
        self.name = name
        self.arn = self.arn_formatter(name, account_id, region_name)
        self.git_config = git_config
        self.tags = tags
        self.creation_time = self.last_modified_time = now()

    @staticmethod
    def arn_formatter(name: str, account_id: str, region_name: str) -> str:
        """Return the ARN of the code repository of this name."""
        return arn_formatter("code-repository", name, account_id, region_name)

    def update(self, git_config: dict[str, str]) -> None:
        """Change the secret, the only setting that UpdateCodeRepository can change."""
        self.git_config = self.git_config | git_config
        self.last_modified_time = now()

    def to_dict(self) -> dict[str, Any]:
        """Return the code repository as DescribeCodeRepository does."""
        return {
            "CodeRepositoryName": self.name,
            "CodeRepositoryArn": self.arn,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "GitConfig": self.git_config,
        }
