# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the wanted instances, found before any API call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..common.credentials import secret_texts
from ..common.service_model import NEWER, TAGS, Model, input_shape, member_problems, tag_problems, violations
from .instance import FIELDS, IMDS, IMDS_VERSION, OWN_TAGS, Desired, request_params


def instance_problems(model: Model, instances: list[Desired]) -> list[str]:
    """One sentence for each mistake in the wanted instances."""
    problems = [problem for desired in instances for problem in _instance_problems(model, desired)]
    return problems + _collisions(instances)


def _instance_problems(model: Model, desired: Desired) -> Iterator[str]:
    shape = input_shape(model, "CreateNotebookInstance")
    yield from (desired.about("name", text) for text in violations(shape.members["NotebookInstanceName"], desired.name))
    said = {**desired.fields, "tags": desired.tags}
    secrets = [option for option, value in said.items() if any(secret_texts(value))]
    yield from (desired.about(option, "it has a name, password or token; it must have none") for option in secrets)
    given = {
        option: value for option, value in desired.fields.items() if value not in ("", []) and option not in secrets
    }
    params = request_params(given)
    if IMDS in params:
        params[IMDS] = params[IMDS][IMDS_VERSION]
    for field in FIELDS:
        if field.request in params and not (field.option == "instance_type" and desired.new_instance_type):
            member = shape.members[field.request]
            member = member.members[IMDS_VERSION] if field.request == IMDS else member
            for text in violations(member, params[field.request]):
                yield desired.about(field.option, _with_the_word(text, field.option, desired))
    tags = {} if "tags" in secrets else desired.tags or {}
    yield from (desired.about("tags", text) for text in tag_problems(tags, most=TAGS - len(OWN_TAGS)))


def _with_the_word(text: str, option: str, desired: Desired) -> str:
    """The message about an unknown type, with the option that allows it."""
    is_new = option == "instance_type" and text.endswith(NEWER)  # not a known one without its ml.
    return f"{text}, or set {desired.called('new_instance_type')}: true" if is_new else text


def _collisions(instances: list[Desired]) -> list[str]:
    by_name = defaultdict(list)
    for desired in instances:
        by_name[desired.name].append(desired.who)
    return [
        f"{' and '.join(people)}: their instances would both be called {name}; rename one of them"
        for name, people in by_name.items()
        if len(people) > 1
    ]


def name_problems(model: Model, name: str) -> list[str]:
    """Mistakes in the name of a lifecycle configuration."""
    return member_problems(model, "CreateNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleConfigName", name)
