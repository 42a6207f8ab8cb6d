# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Instances and the scripts of lifecycle configurations as plain data, from which a plan is made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..common.calls import by_name, in_parallel
from ..common.errors import NotebookError
from .fleet import Answer, Clients, describe_or_error, list_instances
from .instance import Current, current_from_answer
from .lifecycle_config import read_config_or_error

Found = dict[str, Any]
Wanted = Mapping[str, Any]


def read_instances(clients: Mapping[str, Any], wanted: Wanted) -> Found:
    """What `wanted` asks for.

    With `list_all` all instances of the account and region, as lists tell them; of those in `names` whose settings no
    earlier run has verified as they are now, everything, if `describe` says so. Without it everything of `names`.
    `errors` and `config_errors` have why AWS does not tell some of them, by name.
    """
    sagemaker = clients["sagemaker"]
    reads: tuple[Callable[[], Any], ...] = (
        lambda: _answers(Clients(sagemaker, clients["resourcegroupstaggingapi"]), wanted),
        lambda: by_name(lambda name: read_config_or_error(sagemaker, name), wanted["lifecycle_configs"]),
    )
    instances, configs = in_parallel(lambda read: read(), reads)
    return {
        "instances": [_plain(answer) for answer in instances.values() if isinstance(answer, tuple)],
        "errors": {name: str(answer) for name, answer in instances.items() if isinstance(answer, NotebookError)},
        "lifecycle_configs": {name: each for name, each in configs.items() if not isinstance(each, NotebookError)},
        "config_errors": {name: str(each) for name, each in configs.items() if isinstance(each, NotebookError)},
    }


def _answers(clients: Clients, wanted: Wanted) -> dict[str, Answer | NotebookError | None]:
    names = wanted["names"]
    listed = list_instances(clients) if wanted["list_all"] else {}
    if wanted["list_all"]:
        there = [name for name in names if name in listed]
        names = [name for name in there if not current_from_answer(*listed[name]).sealed] if wanted["describe"] else []
    return {**listed, **by_name(lambda name: describe_or_error(clients.sagemaker, name), names)}


def _plain(answer: Answer) -> Found:
    said, tags = answer
    known = {key: value for key, value in said.items() if key != "ResponseMetadata"}
    times = {key: value.isoformat() for key, value in known.items() if isinstance(value, datetime)}
    return {"answer": {**known, **times}, "tags": tags}


def currents(found: Mapping[str, Any]) -> dict[str, Current]:
    """The instances that `read_instances` has read, by name."""
    read = [_current(**each) for each in found["instances"]]
    return {current.name: current for current in read}


def _current(answer: Mapping[str, Any], tags: Mapping[str, str]) -> Current:
    modified = datetime.fromisoformat(answer["LastModifiedTime"])
    return current_from_answer({**answer, "LastModifiedTime": modified}, dict(tags))
