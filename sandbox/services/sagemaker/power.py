# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The link between instances and machines: which machine runs, and the logs of its scripts."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING

from moto.core.utils import unix_time_millis
from moto.efs.models import efs_backends
from moto.logs.exceptions import ResourceAlreadyExistsException
from moto.logs.models import logs_backends
from moto.sagemaker.models import sagemaker_backends

from sandbox.machines import Machine, Settings
from sandbox.machines.door import Door
from sandbox.machines.podman import Machines

from .backend import NotebookBackend

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from .models import NotebookInstance

LOG_GROUP = "/aws/sagemaker/NotebookInstances"
STREAMS = {"on-create": "LifecycleConfigOnCreate", "on-start": "LifecycleConfigOnStart"}
ENDED = "Its container has ended: it was killed, or this computer has no memory left. Start the instance again."
ACCOUNT, REGION = "123456789012", "eu-central-1"  # where instances have machines; elsewhere the clock decides


class Power:
    """The machines and their door, and the functions by which instances switch machines on and off."""

    def __init__(self, settings: Settings, state: Path) -> None:
        self.machines = Machines(settings, state, _log)
        self.door = Door(self.machines.jupyter_of, _status_of)

    def open(self, aws_port: int, port: int) -> None:
        """Let machines reach AWS, and browsers reach machines, at these two ports of the loopback interface."""
        self.door.serve_aws(self.machines.aws, aws_port)
        self.door.listen(port)

    def begin(self, instance: NotebookInstance, status: str) -> Future[str] | None:
        """Let the machine begin what this status requires; the future's result is the reason for a failure, or ""."""
        if not _has_machine(instance):
            return None
        if status == "Pending":
            return self.machines.start(_machine(instance))
        action = {"Stopping": self.machines.stop, "Deleting": self.machines.remove}.get(status)
        return action(instance.name) if action else None

    def ended(self, instance: NotebookInstance) -> str:
        """Return why an instance that was InService has ended by itself, or ""."""
        return ENDED if _has_machine(instance) and self.machines.has_ended(instance.name) else ""


def _has_machine(instance: NotebookInstance) -> bool:
    return instance.arn.split(":")[3:5] == [REGION, ACCOUNT]


def _machine(instance: NotebookInstance) -> Machine:
    config = _backend().notebook_instance_lifecycle_configurations.get(instance.lifecycle_config_name or "")
    found = {"on-create": config.on_create, "on-start": config.on_start} if config else {}
    return Machine(
        name=instance.name,
        arn=instance.arn,
        instance_type=instance.instance_type,
        root_access=instance.root_access != "Disabled",
        scripts={name: base64.b64decode(parts[0]["Content"]).decode() for name, parts in found.items() if parts},
        config_arn=config.arn if config else "",
        file_systems={
            file_system.file_system_id: file_system.creation_token
            for file_system in efs_backends[ACCOUNT][REGION].file_systems_by_id.values()
        },
    )


def _backend() -> NotebookBackend:
    backend = sagemaker_backends[ACCOUNT][REGION]
    assert isinstance(backend, NotebookBackend)
    return backend


def _status_of(name: str) -> str | None:
    instance = _backend().notebook_instances.get(name)
    return instance.status if instance else None


def _log(name: str, script: str, text: str) -> None:
    """Write the output of a script to the log group that AWS uses."""
    logs, stream = logs_backends[ACCOUNT][REGION], f"{name}/{STREAMS[script]}"
    with suppress(ResourceAlreadyExistsException):
        logs.create_log_group(LOG_GROUP, {})
    with suppress(ResourceAlreadyExistsException):
        logs.create_log_stream(LOG_GROUP, stream)
    now = int(unix_time_millis())
    if lines := text.splitlines():
        logs.put_log_events(LOG_GROUP, stream, [{"timestamp": now, "message": line} for line in lines])
