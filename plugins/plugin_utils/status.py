# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The table of instances: their people, states, and pending changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .costs.changes import Known, price_of_outcome, price_of_pending
from .tell import failure_text, setting_change, with_price

HEADINGS = ("owner", "team", "type", "state", "idle", "configuration", "changes")


def status_rows(
    outcomes: Iterable[Mapping[str, Any]],
    idle_limits: Mapping[str, int],
    *,
    planned: bool,
    known: Known | None = None,
) -> list[list[str]]:
    """A row for each instance. `planned` if the outcomes are those of a run that changes nothing.

    `idle_limits` are in seconds, by lifecycle configuration; 0 is never.
    """
    return [
        [
            each["owner"] or each["name"],
            each["tags"].get("team", ""),
            each["instance_type"] or "",
            each["status"] or "none",
            _idle(each, idle_limits),
            each["lifecycle_config_name"] or "",
            "; ".join(
                [
                    *_waiting(each, known),
                    *filter(None, [each.get("pending_problem")]),
                    *_changes(each, known, planned=planned),
                    *([failure_text(each)] if each["failed"] else []),
                ]
            ),
        ]
        for each in outcomes
    ]


def _idle(outcome: Mapping[str, Any], idle_limits: Mapping[str, int]) -> str:
    """The idle limit of the instance, and where it is set."""
    limit = idle_limits.get(outcome["lifecycle_config_name"])
    tag = outcome["tags"].get("idle")
    if limit is None:
        return "never"
    if tag is not None:
        return f"{tag} s (tag)" if tag.isdecimal() and int(tag) else f"{tag} (tag)"
    return f"{limit} s" if limit else "never"


def _waiting(outcome: Mapping[str, Any], known: Known | None) -> list[str]:
    changes = [
        f"{setting_change(option, change['before'], change['after'])} at the next stop"
        for option, change in outcome["pending"].items()
    ]
    return _priced(changes, price_of_pending(outcome, known))


def _changes(outcome: Mapping[str, Any], known: Known | None, *, planned: bool) -> list[str]:
    """Changes that the next run would make at once, or changes of this run that have a price."""
    price = price_of_outcome(outcome, known)
    if not planned and not (price and outcome["changed"]):
        return []
    when = "by the next run" if planned else "by this run"
    changes = [outcome["after"]["state"]] if "state" in outcome["after"] and planned else _settings(outcome)
    return _priced([f"{change} {when}" for change in changes], price)


def _settings(outcome: Mapping[str, Any]) -> list[str]:
    state = [str(outcome["after"]["state"])] if "state" in outcome["after"] else []
    return [
        *(
            setting_change(option, outcome["before"].get(option), after)
            for option, after in outcome["after"].items()
            if option != "state"
        ),
        *state,
    ]


def _priced(changes: list[str], price: str) -> list[str]:
    """The changes, the last with the price of all of them."""
    return [*changes[:-1], *(with_price(change, price) for change in changes[-1:])]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Rows as lines with aligned columns, under a line with the headings."""
    cells = [list(headings), *map(list, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
