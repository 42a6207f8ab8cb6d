# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Prices and hours that are known without a call to AWS: private rates, the last report, the shipped price list."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.pricing.shipped import shipped_prices

from .changes import Known
from .ledger import Rates
from .periods import Month

Values = Mapping[str, Any]
REPORTS = "costs"  # the directory that reports are written to, unless costs_directory says otherwise


VARIABLES = ("costs_directory", "platform_aws", "platform_costs_prices")


def known_by(templar: Any, variables: Values, outcomes: Iterable[Values], region: str) -> Known:
    """The same with the variables of a task."""
    said = {name: templar.template(variables[name]) for name in VARIABLES if name in variables}
    return known(said, outcomes, region)


def known(variables: Values, outcomes: Iterable[Values], region: str = "") -> Known:
    """The prices that are known for these instances. `variables` are templated."""
    there = region or _region(variables, outcomes)
    report = last_report(Path(variables.get("costs_directory") or REPORTS))
    prices: dict[str, Any] = {**shipped_prices(there)}
    if report.get("region") == there and report.get("prices", {}).get("instances"):
        prices = report["prices"]
    return Known(with_private(Rates(prices.get("instances", {}), prices.get("volume")), variables), _hours(report))


def with_private(rates: Rates, variables: Values) -> Rates:
    """The rates, replaced by those of platform_costs_prices."""
    private = {key: float(value) for key, value in (variables.get("platform_costs_prices") or {}).items()}
    volume = private.pop("volume", rates.volume)
    return Rates({**rates.instances, **private}, volume)


def last_report(directory: Path, now: datetime | None = None) -> Values:
    """The written report of this month, or else of the last month; {} if there is none."""
    today = now or datetime.now(UTC)
    this = Month(today.year, today.month)
    for month in (this, this.plus(-1)):
        try:
            report = json.loads((directory / f"{month}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(report, dict):
            return {**report, "is_last": month != this}
    return {}


def _hours(report: Values) -> dict[str, float]:
    """The hours of each instance of one person in the last month."""
    key = "hours" if report.get("is_last") else "last_hours"
    rows = [row for row in report.get("people", ()) if len(row.get("instances", ())) == 1]
    return {row["instances"][0]: row[key] for row in rows if row.get(key) is not None}


def _region(variables: Values, outcomes: Iterable[Values]) -> str:
    """The region of the instances: that of their ARNs, or of the connection."""
    return next(filter(None, _regions(variables, outcomes)), "")


def _regions(variables: Values, outcomes: Iterable[Values]) -> Iterator[str]:
    arns = (each.get("notebook_instance_arn") for each in outcomes)
    yield from (arn.split(":")[3] for arn in arns if arn)
    aws = variables.get("platform_aws") or {}
    yield from (aws.get(key) or "" for key in ("region", "aws_region"))
    yield from (os.environ.get(key, "") for key in ("AWS_REGION", "AWS_DEFAULT_REGION"))
