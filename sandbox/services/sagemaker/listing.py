# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The common parts of List operations: filters on name and time, an order, and pages.

moto's own paginator refuses a token as soon as the entry that it names is deleted. Here a token holds a place in the
order instead, so that a client may delete or create entries while it lists, as on AWS.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from moto.sagemaker.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Listed(Protocol):
    """A resource that can be listed."""

    creation_time: datetime
    last_modified_time: datetime

    @property
    def name(self) -> str: ...


T = TypeVar("T")
L = TypeVar("L", bound=Listed)
Place = tuple[str, ...]

PAGE_SIZE = 100
_SORT_ATTRIBUTES = {
    "Name": "name",
    "CreationTime": "creation_time",
    "LastModifiedTime": "last_modified_time",
    "Status": "status",
}


def listing(items: Iterable[L], params: Mapping[str, Any], sort_by: str = "Name") -> tuple[list[L], str | None]:
    """Return one page of the items that pass the common filters of List operations, and the token of the next page."""
    attribute = _SORT_ATTRIBUTES[params.get("SortBy", sort_by)]
    found = [item for item in items if _matches(item, params)]
    return page(
        found,
        order=lambda item: (_sortable(getattr(item, attribute)), item.name),
        descending=params.get("SortOrder") == "Descending",
        size=params.get("MaxResults", PAGE_SIZE),
        token=params.get("NextToken"),
        query={key: value for key, value in params.items() if key not in ("MaxResults", "NextToken")},
    )


def page(
    items: Iterable[T],
    order: Callable[[T], Place],
    size: int,
    token: str | None,
    query: Mapping[str, Any],
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """Return the next `size` items after the token's place, and the token of the page after that."""
    ordered = sorted(items, key=order, reverse=descending)
    if token:
        after = _place(token, query)
        ordered = [item for item in ordered if (order(item) < after if descending else order(item) > after)]
    more = len(ordered) > size
    return ordered[:size], _token(order(ordered[size - 1]), query) if more else None


def _matches(item: Listed, params: Mapping[str, Any]) -> bool:
    return (
        params.get("NameContains", "") in item.name
        and _is_between(params.get("CreationTimeAfter"), item.creation_time, params.get("CreationTimeBefore"))
        and _is_between(
            params.get("LastModifiedTimeAfter"), item.last_modified_time, params.get("LastModifiedTimeBefore")
        )
    )


def _is_between(after: datetime | None, time: datetime, before: datetime | None) -> bool:
    return (after is None or after < time) and (before is None or time < before)


def _sortable(value: str | datetime) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value


def _token(place: Place, query: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([_digest(query), *place]).encode()).decode()


def _place(token: str, query: Mapping[str, Any]) -> Place:
    try:
        digest, *place = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        digest, place = None, []
    if digest != _digest(query):
        raise foreign_token()
    return tuple(place)


def foreign_token() -> ValidationError:
    """Return the error for a token that no page of this request has returned."""
    return ValidationError(message="The NextToken is invalid, or belongs to a request with other filters.")


def _digest(query: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(query, default=str, sort_keys=True).encode()).hexdigest()[:16]
