# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The prices of changes: an unknown price is reported as no price, and never as 0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.changes import (
    Known,
    Machine,
    price_of,
    price_of_outcome,
    price_of_pending,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.known import known, last_report
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.ledger import Rates
from ansible_collections.datalab.notebooks.plugins.plugin_utils.status import status_rows
from ansible_collections.datalab.notebooks.plugins.plugin_utils.tell import lines_of
from ansible_collections.datalab.notebooks.tests.unit.plugins.outcomes import outcome, pending

PRICES = {"ml.t3.medium": 0.05, "ml.m5.xlarge": 0.23, "ml.g5.xlarge": 1.41, "ml.odd": 0.0504}
KNOWN = Known(Rates(PRICES, 0.14), {"datalab-alice": 163.2})
WITHOUT_HOURS = Known(Rates(PRICES, 0.14))
SMALL, LARGE = "ml.t3.medium", "ml.g5.xlarge"

NO_PRICE = "no price; platform_costs_prices takes one"
CASES: dict[str, tuple[Machine, Machine, Known, str]] = {
    "larger": (Machine(SMALL), Machine(LARGE), KNOWN, "+1.36 USD/h, about +222 a month at last month's hours"),
    "smaller": (Machine(LARGE), Machine(SMALL), KNOWN, "-1.36 USD/h, about -222 a month at last month's hours"),
    "without usage": (Machine(SMALL), Machine(LARGE), WITHOUT_HOURS, "+1.36 USD/h"),
    "less than a cent": (Machine(SMALL), Machine("ml.odd"), WITHOUT_HOURS, "+0.0004 USD/h"),
    "no price for the new one": (Machine(SMALL), Machine("ml.new"), KNOWN, NO_PRICE),
    "no price for the old one": (Machine("ml.old"), Machine(SMALL), KNOWN, NO_PRICE),
    "a larger volume": (Machine(SMALL, 20), Machine(SMALL, 50), KNOWN, "+4.20 USD a month for the volume"),
    "both": (Machine(SMALL, 20), Machine("ml.m5.xlarge", 50), WITHOUT_HOURS,
             "+0.18 USD/h, +4.20 USD a month for the volume"),
    "one of both": (Machine(SMALL, 20), Machine("ml.new", 50), KNOWN,
                    "no price, +4.20 USD a month for the volume; platform_costs_prices takes one"),
    "none of both": (Machine(SMALL, 20), Machine("ml.new", 50), Known(), NO_PRICE),
    "no price for volumes": (Machine(SMALL, 20), Machine(SMALL, 50), Known(), NO_PRICE),
    "new": (Machine(), Machine(SMALL, 20), KNOWN,
            "+0.05 USD/h, about +8 a month at the hours of the others, +2.80 USD a month for the volume"),
    "new, without usage": (Machine(), Machine(SMALL, 20), WITHOUT_HOURS,
                           "+0.05 USD/h, +2.80 USD a month for the volume"),
    "started": (Machine(), Machine(SMALL), KNOWN, "+0.05 USD/h"),
    "nothing": (Machine(SMALL, 20), Machine(SMALL, 20), KNOWN, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_price_of_a_change(case):
    before, after, what, expected = CASES[case]
    assert price_of(before, after, what, "datalab-alice") == expected


KINDS = st.sampled_from([*PRICES, "ml.new", None])
SIZES = st.sampled_from([5, 20, 100, None])


@given(
    st.builds(Machine, KINDS, SIZES), st.builds(Machine, KINDS, SIZES), st.sampled_from([KNOWN, WITHOUT_HOURS, Known()])
)
def test_a_price_is_told_of_what_costs_something_only_and_never_as_0(before, after, what):
    price = price_of(before, after, what, "datalab-alice")
    assert bool(price) == (before != after)
    assert "0.00 USD/h" not in price
    unknown = {before.kind, after.kind} - {None, *what.rates.instances}
    assert ("no price" in price) >= (before.kind != after.kind and bool(unknown))


def changed(before: Mapping[str, Any], after: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return outcome(changed=True, before=before, after=after, **more)


OUTCOMES: dict[str, tuple[dict[str, Any], str]] = {
    "created": (
        changed({"state": "absent"}, {"state": "present", "instance_type": SMALL, "volume_size_in_gb": 20}),
        "+0.05 USD/h, about +8 a month at the hours of the others, +2.80 USD a month for the volume",
    ),
    "removed": (changed({"state": "Stopped"}, {"state": "absent"}), "-0.05 USD/h"),
    "started": (changed({"state": "stopped"}, {"state": "started"}), "+0.05 USD/h"),
    "stopped": (changed({"state": "started"}, {"state": "stopped"}), "-0.05 USD/h"),
    "resized": (
        changed({"instance_type": SMALL}, {"instance_type": LARGE, "state": "restarted"}),
        "+1.36 USD/h, about +222 a month at last month's hours",
    ),
    "tagged": (changed({"tags": {}}, {"tags": {"a": "1"}}), ""),
    "started, of a type without price": (
        changed({"state": "stopped"}, {"state": "started"}, instance_type="ml.new"),
        NO_PRICE,
    ),
}


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize("case", OUTCOMES)
def test_each_line_about_a_change_ends_with_its_price(case, planned):
    what, expected = OUTCOMES[case]
    assert price_of_outcome(what, KNOWN) == expected
    (line,) = lines_of({}, {"instances": [what]}, planned=planned, applied=[], known=KNOWN)
    assert line.text.partition(": ")[2] == expected
    (row,) = status_rows([what], {}, planned=planned, known=KNOWN)
    assert row[-1].partition(": ")[2] == expected


def test_a_pending_change_has_its_price():
    waits = outcome(pending=pending(instance_type=(SMALL, LARGE)), pending_problem="the quota is 0")
    assert price_of_pending(waits, KNOWN).startswith("+1.36 USD/h")
    (line,) = lines_of({}, {"instances": [waits]}, planned=True, applied=[], known=WITHOUT_HOURS)
    assert line.text == f"instance_type {SMALL} → {LARGE} at the next stop: +1.36 USD/h; the quota is 0"
    (row,) = status_rows([waits], {}, planned=False, known=WITHOUT_HOURS)
    assert row[-1] == f"instance_type {SMALL} → {LARGE} at the next stop: +1.36 USD/h; the quota is 0"


# Prices that are known without asking AWS

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ROW = {"instances": ["datalab-alice"], "hours": 100.0, "last_hours": 163.2}
REPORT = {
    "region": "eu-central-1",
    "prices": {"instances": {"ml.t3.medium": 0.06}, "volume": 0.16},
    "people": [ROW, {**ROW, "instances": []}, {**ROW, "instances": ["a", "b"]}],
}


def written(directory: Path, month: str, report: Any = REPORT) -> Path:
    (directory / f"{month}.json").write_text(json.dumps(report), encoding="utf-8")
    return directory


def test_shipped_prices_are_known_without_a_report(tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    arn = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/datalab-alice"
    said = {"costs_directory": str(tmp_path)}
    shipped = known(said, [], "us-east-1")
    assert shipped.rates.instances["ml.g5.xlarge"] == 1.41
    assert known(said, [outcome(notebook_instance_arn=None), outcome(notebook_instance_arn=arn)]) == shipped
    assert known({**said, "platform_aws": {"region": "us-east-1"}}, []) == shipped
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert known(said, []) == shipped
    assert known(said, [], "eu-west-9") == Known()


def test_private_rates_win(tmp_path):
    private = {"ml.g5.xlarge": 1, "ml.new": "2", "volume": 0.1}
    rates = known({"costs_directory": str(tmp_path), "platform_costs_prices": private}, [], "us-east-1").rates
    assert (rates.instances["ml.g5.xlarge"], rates.instances["ml.new"], rates.volume) == (1, 2, 0.1)
    assert rates.instances["ml.t3.medium"] == 0.05


def test_a_report_tells_prices_of_its_region_and_the_hours_of_last_month(tmp_path):
    this = datetime.now(UTC)
    written(tmp_path, f"{this:%Y-%m}")
    told = known({"costs_directory": str(tmp_path)}, [], "eu-central-1")
    assert told == Known(Rates({"ml.t3.medium": 0.06}, 0.16), {"datalab-alice": 163.2})
    assert known({"costs_directory": str(tmp_path)}, [], "us-east-1").rates.volume == 0.14


@pytest.mark.parametrize(
    ("month", "is_last"), [("2026-11", False), ("2026-10", True), ("2026-09", None), ("2026-12", None)]
)
def test_the_last_report_is_of_this_month_or_the_one_before(tmp_path, month, is_last):
    assert last_report(written(tmp_path, month), NOW).get("is_last") == is_last


@pytest.mark.parametrize("text", ["", "{", "[]", '{"people": [{}]}', "\xff"])
def test_a_report_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "2026-11.json").write_bytes(text.encode("latin-1"))
    assert last_report(tmp_path, NOW).get("prices") is None
    assert known({"costs_directory": str(tmp_path)}, [], "eu-west-9").hours == {}
