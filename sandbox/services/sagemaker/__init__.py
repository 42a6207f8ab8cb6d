# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An extension of moto: all operations on SageMaker notebook instances, with AWS's rules and transitional states."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import moto.resourcegroupstaggingapi.urls
import moto.sagemaker.urls
from moto.core import responses
from moto.core.utils import method_names_from_class
from moto.moto_api import state_manager
from moto.sagemaker.models import sagemaker_backends

from .backend import NotebookBackend
from .models import STATE_MODEL, NotebookInstance
from .responses import NotebookResponse
from .tagging import TaggingResponse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.machines import Settings

    from .history import Change
    from .power import Power


def install(transition_seconds: float) -> None:
    """Install the extension in moto, before its first request."""
    sagemaker_backends.backend = NotebookBackend
    moto.sagemaker.urls.url_paths["{0}/$"] = NotebookResponse.dispatch
    moto.resourcegroupstaggingapi.urls.url_paths["{0}/$"] = TaggingResponse.dispatch
    # Cached, since moto inspects the class again for every request.
    responses.method_names_from_class = cache(method_names_from_class)  # type: ignore[attr-defined]  # imported there
    state_manager.register_default_transition(STATE_MODEL, transition(transition_seconds))


def install_machines(settings: Settings, state: Path) -> Power:
    """Connect the instances with machines."""
    from .power import Power  # noqa: PLC0415  # it imports services that most servers never need

    power = Power(settings, state)
    NotebookBackend.power = power
    NotebookInstance.begin = power.begin
    NotebookInstance.ended = power.ended
    return power


def transition(seconds: float) -> dict[str, Any]:
    """Return the transition of moto's state manager in which a transitional state lasts so many seconds."""
    return {"progression": "time", "seconds": seconds} if seconds > 0 else {"progression": "immediate"}


def pass_all() -> None:
    """Update the status of each instance."""
    instances_by_status()


def switch_off() -> None:
    """Stop all instances, because the server ends."""
    for instance in _instances():
        instance.switch_off()


def resume() -> None:
    """Continue the transitions that the last server has not finished."""
    for instance in _instances():
        instance.resume()


def changes() -> list[Change]:
    """Return the changes of state of all instances, in all accounts and regions."""
    pass_all()
    return [change for backend in _backends() for change in backend.changes]


def instances_by_status() -> dict[str, int]:
    """Return the number of notebook instances in each status, over all accounts and regions."""
    counts: dict[str, int] = {}
    for backend in _backends():
        for status in backend.statuses():
            counts[status] = counts.get(status, 0) + 1
    return dict(sorted(counts.items()))


def _backends() -> Iterator[NotebookBackend]:
    for _, _, backend in sagemaker_backends.iter_backends():
        assert isinstance(backend, NotebookBackend)
        yield backend


def _instances() -> list[NotebookInstance]:
    return [instance for backend in _backends() for instance in list(backend.notebook_instances.values())]
