# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Many instances at once: reading them with calls per page instead of per instance, and returning their results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..common.calls import by_name, in_parallel
from ..common.errors import InputError, NotebookError, or_error
from . import api
from .instance import FIELDS, VERIFIED_TAG, Current, Desired, current_from_answer, verified_current
from .plan import Plan, different_fields, plan

if TYPE_CHECKING:
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sagemaker import SageMakerClient

Answer = tuple[Mapping[str, Any], dict[str, str]]  # the description of an instance, and its tags


@dataclass(frozen=True)
class Clients:
    """The two services that a fleet is read from."""

    sagemaker: SageMakerClient
    tagging: ResourceGroupsTaggingAPIClient


def describe_instance(client: SageMakerClient, name: str) -> Answer | None:
    """One instance with all settings and tags: two calls, between which a deletion may end."""
    answer = api.describe_notebook_instance(client, name)
    tags = api.find_tags(client, answer["NotebookInstanceArn"]) if answer else None
    return None if answer is None or tags is None else (answer, tags)


def describe_or_error(client: SageMakerClient, name: str) -> Answer | NotebookError | None:
    """The instance, or the error of AWS."""
    return or_error(lambda: describe_instance(client, name))


def list_instances(clients: Clients) -> dict[str, Answer]:
    """All instances of the account and region as lists return them, by name: two calls for each hundred."""
    reads: tuple[Callable[[], Any], ...] = (
        lambda: api.get_notebook_instance_tags(clients.tagging),
        lambda: api.list_notebook_instances(clients.sagemaker),
    )
    tags, summaries = in_parallel(lambda read: read(), reads)
    return {
        summary["NotebookInstanceName"]: (summary, tags.get(summary["NotebookInstanceArn"], {}))
        for summary in summaries
    }


def read_instance(client: SageMakerClient, name: str) -> Current | None:
    """One instance as `describe_instance` returns it."""
    answer = describe_instance(client, name)
    return current_from_answer(*answer) if answer else None


def read_account(clients: Clients) -> dict[str, Current]:
    """All instances as `list_instances` returns them."""
    return {name: current_from_answer(*answer) for name, answer in list_instances(clients).items()}


def list_account(client: SageMakerClient) -> dict[str, Current]:
    """The same without tags: one call for each hundred."""
    listed = (current_from_answer(summary, {}) for summary in api.list_notebook_instances(client))
    return {current.name: current for current in listed}


def read_fleet(
    client: SageMakerClient, instances: list[Desired], account: dict[str, Current] | None
) -> list[tuple[Desired, Current | NotebookError | None]]:
    """Each wanted instance as AWS has it, or the reason why AWS does not return it.

    With the account's lists, describes only what differs or may differ.
    """
    if account is None:
        return in_parallel(lambda desired: (desired, _read_or_error(client, desired.name)), instances)
    sure = {desired.name: settled(account.get(desired.name), desired) for desired in instances}
    doubtful = [name for name, current in sure.items() if current is None and name in account]
    described = by_name(lambda name: _read_or_error(client, name), doubtful)
    return [(desired, sure[desired.name] or described.get(desired.name)) for desired in instances]


def _read_or_error(client: SageMakerClient, name: str) -> Current | NotebookError | None:
    answer = describe_or_error(client, name)
    return current_from_answer(*answer) if isinstance(answer, tuple) else answer


def unmanaged(account: dict[str, Current], managed: Collection[str]) -> list[dict[str, Any]]:
    """The instances of the account that are not among these names, as the fleet module returns them."""
    return [
        {
            "name": current.name,
            "status": current.status,
            "instance_type": current.fields.get("instance_type"),
            "lifecycle_config_name": current.fields.get("lifecycle_config_name"),
            "tags": current.tags,
        }
        for name, current in sorted(account.items())
        if name not in managed
    ]


def settled(summary: Current | None, desired: Desired) -> Current | None:
    """The instance as lists return it, if that is enough to know that nothing has to change."""
    current = verified_current(summary, desired) if summary else None
    try:
        return current if current and not plan(desired, current).steps else None
    except InputError:
        return None


def read_again(
    client: SageMakerClient, plans: list[Plan]
) -> tuple[dict[str, Current | None], dict[str, NotebookError]]:
    """The instances of the plans as they are after the plans were carried out; reads only what was changed.

    Returns also the errors by instance name.
    """
    errors: dict[str, NotebookError] = {}

    def read(made: Plan) -> Current | None:
        try:
            return _read_after(client, made) if made.steps else made.current
        except NotebookError as error:
            errors[made.desired.name] = error
            return made.current

    currents = in_parallel(read, plans)
    return {made.desired.name: current for made, current in zip(plans, currents, strict=True)}, errors


RETAG = {"create", "set_tags", "delete_tags", "mark", "unmark"}


def _read_after(client: SageMakerClient, made: Plan) -> Current | None:
    """The instance once the steps are done; tags that none of them changes are as they were."""
    if made.current is None or RETAG.intersection(step.action for step in made.steps):
        return read_instance(client, made.desired.name)
    answer = api.describe_notebook_instance(client, made.desired.name)
    return current_from_answer(answer, {**made.current.tags, **made.current.own_tags}) if answer else None


def unverified(plans: list[Plan], currents: dict[str, Current | None]) -> list[tuple[Current, str]]:
    """The instances that were described and are as desired, each with the VERIFIED_TAG that it does not have yet."""
    return [
        (current, current.seal(made.desired))
        for made in plans
        if (current := currents[made.desired.name])
        and current.described
        and made.desired.hidden
        and current.status != "Deleting"
        and current.own_tags.get(VERIFIED_TAG) != current.seal(made.desired)
        and all(f.listed for f in different_fields(made.desired, current))
    ]


def mark_verified(client: SageMakerClient, stale: list[tuple[Current, str]]) -> list[NotebookError]:
    """Leaves VERIFIED_TAG on these instances, for the next run's lists.

    Returns the errors: without the tag an instance is merely described again.
    """
    return [error for error in in_parallel(lambda pair: _mark(client, *pair), stale) if error]


def _mark(client: SageMakerClient, current: Current, seal: str) -> NotebookError | None:
    try:
        api.add_tags(client, current.arn, {VERIFIED_TAG: seal})
    except NotebookError as error:
        return error
    return None


def outcome(made: Plan, current: Current | None, error: NotebookError | None, check_mode: bool) -> dict[str, Any]:
    """The result of the fleet module for one instance."""
    seen = made.current if check_mode else current
    predicted = {**(seen.fields if seen else {}), **(made.after if check_mode else {})}
    listed = {f.option: predicted.get(f.option) or None for f in FIELDS if f.listed}
    result: dict[str, Any] = {
        "name": made.desired.name,
        "owner": made.desired.owner,
        "changed": made.changed,
        "status": seen.status if seen else None if made.is_read else "unknown",
        "notebook_instance_arn": seen.arn if seen else None,
        **listed,
        "tags": predicted.get("tags", seen.tags if seen else {}),
        "before": made.before,
        "after": made.after,
        "pending": made.pending,
        "pending_reason": made.pending_reason,
        "pending_problem": made.pending_problem,
        "failed": error is not None,
    }
    return {**result, "msg": f"{made.desired.who}: {_told(made.desired, error)}"} if error else result


def _told(desired: Desired, error: NotebookError) -> str:
    """The error. AWS's own sentences name values, but not their variables."""
    options = desired.options_in(str(error)) if error.exception else []
    named = " and ".join(map(desired.called, options))
    return f"{str(error).rstrip('.')}. That is the value of {named}" if named else str(error)
