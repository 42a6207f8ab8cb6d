# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""What is wrong with the instances that are wanted, found before any API call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..common.service_model import input_shape, member_problems, tag_problems, violations
from .instance import FIELDS, IMDS, IMDS_VERSION, Desired, request_params

if TYPE_CHECKING:
    from botocore.model import ServiceModel


def instance_problems(model: ServiceModel, instances: list[Desired]) -> list[str]:
    """What is wrong with the instances that are wanted, one sentence each."""
    problems = [problem for desired in instances for problem in _instance_problems(model, desired)]
    return problems + _collisions(instances)


def _instance_problems(model: ServiceModel, desired: Desired) -> Iterator[str]:
    shape = input_shape(model, "CreateNotebookInstance")
    yield from (desired.about("name", text) for text in violations(shape.members["NotebookInstanceName"], desired.name))
    given = {option: value for option, value in desired.fields.items() if value not in ("", [])}
    params = request_params(given)
    if IMDS in params:
        params[IMDS] = params[IMDS][IMDS_VERSION]
    for field in FIELDS:
        if field.request in params:
            member = shape.members[field.request]
            member = member.members[IMDS_VERSION] if field.request == IMDS else member
            yield from (desired.about(field.option, text) for text in violations(member, params[field.request]))
    yield from (desired.about("tags", text) for text in tag_problems(desired.tags or {}))


def _collisions(instances: list[Desired]) -> list[str]:
    by_name = defaultdict(list)
    for desired in instances:
        by_name[desired.name].append(desired.who)
    return [
        f"{' and '.join(people)}: their instances would both be called {name}; rename one of them"
        for name, people in by_name.items()
        if len(people) > 1
    ]


def name_problems(model: ServiceModel, name: str) -> list[str]:
    """What is wrong with the name of a lifecycle configuration."""
    return member_problems(model, "CreateNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleConfigName", name)
