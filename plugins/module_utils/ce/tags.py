# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Cost allocation tags: the keys by which billing sums up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from ..common.errors import InputError, NotebookError, is_refusal
from . import api

MOST = 20  # keys in a request
MONTHS = 12  # of a backfill
MEMBER = "only the account that pays for this one may do it: ask for it there, in its own billing"


def tag_problems(keys: Sequence[str], backfill_from: date | None, today: date) -> Iterator[str]:
    """One sentence for each value that AWS would refuse."""
    if not keys:
        yield "keys must name at least one tag"
    if backfill_from is None:
        return
    months = (today.year - backfill_from.year) * 12 + today.month - backfill_from.month
    if backfill_from.day != 1 or not 0 <= months <= MONTHS:
        yield f"backfill_from is {backfill_from}; it must be the first day of a month, at most {MONTHS} months ago"


def read_statuses(client: Any, keys: Sequence[str]) -> dict[str, str]:
    """The status of each key in billing, known about a day after the first resource has it; `missing` before."""
    found = {each["TagKey"]: each["Status"] for each in api.list_cost_allocation_tags(client, list(keys))}
    return {key: found[key] for key in keys if key in found}


def set_statuses(client: Any, statuses: dict[str, str]) -> None:
    """Sets them. AWS lists tags that it could not set in a successful answer; that is an error here."""
    keys = list(statuses)
    errors = []
    for first in range(0, len(keys), MOST):
        some = {key: statuses[key] for key in keys[first : first + MOST]}
        errors += api.update_cost_allocation_tags_status(client, some)
    if errors:
        texts = [f"{each['TagKey']}: {each['Message']}" for each in errors]
        done = [key for key in keys if key not in {each["TagKey"] for each in errors}]
        also = f" Set all the same: {', '.join(done)}." if done else ""
        hint = "billing knows a tag about a day after a resource first has it"
        raise NotebookError(f"AWS did not set the status of tags: {'; '.join(texts)} ({hint}).{also}")


def needs_backfill(client: Any, begin: str) -> bool:
    """Whether a backfill from this moment has not been asked for yet."""
    done = [each for each in api.list_backfills(client) if each.get("BackfillStatus") != "FAILED"]
    return not any(each["BackfillFrom"][:10] == begin[:10] for each in done)


def ensure(
    client: Any, keys: Sequence[str], status: str, backfill_from: str | None, *, check_mode: bool
) -> tuple[bool, dict[str, str], dict[str, str]]:
    """Whether something had to be changed, and the statuses before and after."""
    try:
        before = read_statuses(client, keys)
        differing = {key: status for key in keys if before.get(key) != status}
        backfill = backfill_from is not None and needs_backfill(client, backfill_from)
        if differing and not check_mode:
            set_statuses(client, differing)
        if backfill and not check_mode:
            api.start_backfill(client, str(backfill_from))
    except NotebookError as error:
        if is_refusal(error, "AccessDeniedException"):
            raise InputError([f"{error}; {MEMBER}"]) from error
        raise
    return bool(differing) or backfill, before, {**before, **differing}
