# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The people's instances beside those that AWS has, from what platform_read has read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import POOL_SIZE
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.arguments import filled
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.comparison import comparison
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.fleet import settled, unmanaged
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import (
    Current,
    Desired,
    desired_from_options,
)
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import desired_config
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.quotas import refusals
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.read import currents

from ..people import config_of
from ..preflight import Wanted

Found = Mapping[str, Any]


def wanted_to_read(wanted: Wanted, *, own_mounts: bool, complete: bool, limited: bool) -> dict[str, Any]:
    """The request for `read_instances`: all that a comparison needs, or enough to see whether there is a change.

    `own_mounts` if the storage, too, is planned, which may give each person a configuration of their own.
    """
    names = [wanted.roster.people[name].instance for name in wanted.people]
    mine, mounts = [wanted.wishes[name] for name in wanted.people], wanted.own_mounts if own_mounts else {}
    return {
        "names": names,
        "list_all": complete or not limited or len(names) > POOL_SIZE,
        "describe": complete,
        "lifecycle_configs": sorted({config_of(wishes, wanted.prefix, mounts) for wishes in mine}),
        "max_requests_per_second": wanted.settings["fleet"]["max_requests_per_second"],
    }


def to_describe(wanted: Wanted, names: Collection[str]) -> dict[str, Any]:
    """The request for `read_instances` that returns all about these instances."""
    whole = wanted_to_read(wanted, own_mounts=False, complete=True, limited=True)
    return {**whole, "names": [*names], "list_all": False, "lifecycle_configs": []}


def doubtful(request: Found, found: Found) -> list[str]:
    """The instances that have to be described, because lists do not return enough."""
    there = currents(found)
    return [each.name for each in _desired(request) if each.name in there and not _known(there[each.name], each)]


def merged(found: Found, more: Found) -> dict[str, Any]:
    """The first reading, updated by a later one of some instances."""
    instances = [*found["instances"], *more.get("instances", ())]
    return {**found, "instances": instances, "errors": {**found["errors"], **more.get("errors", {})}}


def compare(request: Found, found: Found) -> dict[str, Any]:
    """The result of the fleet module for this request in check mode, and whether nothing is left to do."""
    there, errors = currents(found), {name: NotebookError(text) for name, text in found["errors"].items()}
    known = [
        (each, errors.get(each.name) or (_known(there[each.name], each) if each.name in there else None))
        for each in _desired(request)
    ]
    unread = {name: NotebookError(text) for name, text in found["config_errors"].items()}
    configs = [desired_config(each) for each in request["lifecycle_configs"]]
    read = {**found["lifecycle_configs"], **unread}
    made = comparison([(config, read.get(config.name)) for config in configs], known)
    if "quotas" in found:
        made = made.without(refusals(made.plans, there.values(), found["quotas"]))
    return {**made.told(), "unmanaged": unmanaged(there, request["managed"]), "is_settled": made.is_settled}


def needs_quotas(compared: Found) -> bool:
    """Whether an instance is new or gets another type, now or at its next stop, which a quota may refuse."""
    return any("instance_type" in {**each["after"], **each["pending"]} for each in compared["instances"])


def _desired(request: Found) -> list[Desired]:
    return [desired_from_options(filled(options)) for options in request["instances"]]


def _known(current: Current, desired: Desired) -> Current | None:
    return current if current.described else settled(current, desired)
