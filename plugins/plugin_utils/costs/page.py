# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The report as a page in one file, and as lines of a table and of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ansible_collections.datalab.notebooks.plugins.module_utils.common.words import counted

from .ledger import PLATFORM, UNMANAGED

Report = Mapping[str, Any]

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#b8a900", "#8c6bb1")  # also different without hue
GREY, FLAG, REST = "#7f8c96", "#d55e00", "#a9b4bc"
DECISIONS = 25  # on the page
DAYS = 62  # with more, the chart is of months
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 560, 190, 36, 8, 20
STEPS = tuple(digit * 10**power for power in range(-2, 7) for digit in (1, 2, 5))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["counted"] = counted
    environment.filters["capitalise"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template("page.html.j2")


def page(report: Report) -> str:
    """The page."""
    colours = _colours(report["teams"])
    budgeted = [team for team in report["teams"] if team["budget"]]
    context = {
        "colours": colours,
        "last_label": report["last_label"].partition(" ")[0],
        "bars": {team["name"]: _bar(team) for team in budgeted},
        "budget": sum(team["budget"] for team in budgeted) or None,
        "budgeted": sum(team["forecast"] or team["total"] for team in budgeted),
        "chart": _chart(report, colours),
        "decide": report["decide"][:DECISIONS],
    }
    return _template().render(r=report, c=context)


def _colours(teams: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A colour for each of the largest teams."""
    names = [team["name"] for team in sorted(teams, key=lambda team: -team["total"])]
    own = [name for name in names if name not in (PLATFORM, UNMANAGED)][: len(COLOURS)]
    return {
        **dict.fromkeys(names, REST),
        **dict(zip(sorted(own), COLOURS, strict=False)),
        PLATFORM: GREY,
        UNMANAGED: FLAG,
    }


def _bar(team: Mapping[str, Any]) -> dict[str, float]:
    """The spent part, the forecast and the budget, in per cent of a bar."""
    expected = max(team["total"], team["forecast"] or 0)
    whole = max(team["budget"], expected) * 1.04
    return {
        "spent": round(100 * team["total"] / whole, 1),
        "more": round(100 * (expected - team["total"]) / whole, 1),
        "budget": round(100 * team["budget"] / whole, 1),
    }


# The chart


def _chart(report: Report, colours: Mapping[str, str]) -> dict[str, Any]:
    columns, unit = _columns(report)
    names = [team["name"] for team in report["teams"]]
    top = max([sum(column["teams"].values()) for column in columns] or [0]) * 1.08 or 1
    step = next(step for step in STEPS if top / step <= 5)
    width = (WIDTH - LEFT) / max(1, len(columns))

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top), 1)

    def bars() -> Iterator[dict[str, Any]]:
        for number, column in enumerate(columns):
            below = 0.0
            for name in names:
                value = column["teams"].get(name, 0)
                if value > 0:
                    height = round(y(below) - y(below + value), 1)
                    title = f"{column['name']} {name}: {value:,.2f} USD"
                    x = round(LEFT + number * width + width * 0.12, 1)
                    yield {"x": x, "y": y(below + value), "h": height, "colour": colours[name], "title": title}
                    below += value

    every = 1 if len(columns) < 14 else 3 if len(columns) < 40 else 7
    return {
        "unit": unit,
        "width": WIDTH,
        "height": HEIGHT,
        "bar": round(width * 0.76, 1),
        "bars": list(bars()),
        "ticks": [{"y": y(n * step), "text": f"{n * step:g}"} for n in range(int(top / step) + 1)],
        "labels": [
            {"x": round(LEFT + (number + 0.5) * width, 1), "text": column["label"]}
            for number, column in enumerate(columns)
            if number % every == 0
        ],
    }


def _columns(report: Report) -> tuple[list[dict[str, Any]], str]:
    """The cost of each team on each day, or in each month if there are many days."""
    days = {day["day"]: day["teams"] for day in report["days"]}
    if len(report["all_days"]) <= DAYS:
        return [
            {"name": day, "label": str(date.fromisoformat(day).day), "teams": days.get(day, {})}
            for day in report["all_days"]
        ], "day"
    months: dict[str, dict[str, float]] = {day[:7]: {} for day in report["all_days"]}
    for day, teams in days.items():
        for team, usd in teams.items():
            months[day[:7]][team] = months[day[:7]].get(team, 0) + usd
    return [{"name": month, "label": month, "teams": teams} for month, teams in months.items()], "month"


# For the terminal and for spreadsheets

COLUMNS = ("name", "team", "type", "hours", "instance", "volume", "shared", "total", "last", "saved_at_most")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes a cell that begins with these


def csv_text(report: Report) -> str:
    """The rows of people as CSV."""
    file = io.StringIO()
    columns = [*COLUMNS, "stopped_by_autostop", "stopped_otherwise", "unpriced"]
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(row[key]) for key in columns} for row in report["people"])
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    text = " ".join(value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


def summary(report: Report) -> list[str]:
    """The first lines of the printed report."""
    saved, lines = report["saved"], [f"{report['platform']}: costs, {report['label']}", *report["sources"]]
    lines += [f"warning: {text}" for text in report["warnings"]]
    lines.append(f"so far {report['total']:,.2f} USD" if report["is_current"] else f"{report['total']:,.2f} USD")
    if report["forecast"] is not None:
        lines.append(f"forecast {report['forecast']:,.2f} USD")
    if saved:
        lines.append(f"saved by autostop at most {saved['usd']:,.2f} USD, {saved['baseline']}")
    if saved and saved["measured"]:
        base = saved["measured"]
        lines.append(
            f"saved by autostop {base['usd']:,.2f} USD on {counted(base['instances'], 'instance')}, against what their"
            f" people stopped by themselves while it only observed, {base['from']} to {base['to']}"
        )
    lines += [f"to decide: {each['who']}: {each['what']}; {each['do']}" for each in report["decide"][:DECISIONS]]
    return lines


HEADINGS = ("person or thing", "team", "type", "hours", "USD", "last month", "saved at most", "last stop by autostop")
ROWS = 50  # of the printed table


def table_rows(report: Report) -> list[list[str]]:
    """The rows of the printed table: the most expensive people, the others together, and the sum."""
    people = report["people"]
    rest = people[ROWS:]
    rows = [_row(each) for each in people[:ROWS]]
    if rest:
        rows.append([f"{len(rest)} more", "", "", *_numbers(rest), "", ""])
    return [*rows, ["all", "", "", *_numbers(people), "", ""]]


def _row(person: Mapping[str, Any]) -> list[str]:
    stop = person["last_stop"]
    return [
        person["name"],
        person["team"],
        person["type"],
        *_numbers([person]),
        f"{person['saved_at_most']:.2f}" if person["saved_at_most"] else "",
        f"{stop['time']}: {stop['reason']}" if stop else "",
    ]


def _numbers(people: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = list(people)
    lasts = [row["last"] for row in rows if row["last"] is not None]
    has_price = len(rows) != 1 or not rows[0]["unpriced"] or rows[0]["total"]
    return [
        f"{sum(row['hours'] for row in rows):.1f}",
        f"{sum(row['total'] for row in rows):.2f}" if has_price else "no price",
        f"{sum(lasts):.2f}" if lasts else "",
    ]
