# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The claims of docs/savings.md: its figures are computed, and those that it calls exact are exact."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.tests.benchmarks import savings
from ansible_collections.datalab.notebooks.tests.benchmarks.savings import activity, replay, rule
from ansible_collections.datalab.notebooks.tests.benchmarks.savings.activity import DAY, HOUR, MINUTE, QUANTILES
from ansible_collections.datalab.notebooks.tests.benchmarks.savings.rule import LATE, Policy, bill

DOCS = (Path(__file__).parents[2] / "docs" / "savings.md").read_text(encoding="utf-8")
MADE_UP = "2826"

LIMITS = st.sampled_from([15 * MINUTE, HOUR, 4 * HOUR])


@st.composite
def instances(draw: st.DrawFn) -> list[activity.Interval]:
    """Draw activities and gaps of whole ticks, so that a new start does not shift autostop's looks."""
    ticks = draw(st.lists(st.integers(1, 300), min_size=3, max_size=15).filter(lambda several: len(several) % 2))
    edges = [rule.TICK * tick for tick in accumulate(ticks, initial=0)]
    return list(zip(edges[::2], edges[1::2], strict=True))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw what people do without autostop: stop an instance some hours later or forget it, at 20:00, or never."""
    leaves = draw(st.integers(0, 20 * HOUR))
    return draw(st.sampled_from([rule.owner(draw(st.floats(0, 1)), leaves), rule.evening, rule.never]))


def test_the_docs_have_the_tables_that_are_computed() -> None:
    for trace in savings.traces().values():
        costs = {row: rule.bills(trace, policy) for row, policy in savings.POLICIES.items()}
        lines = [*savings.table(trace, costs, savings.shares_of(trace, costs)), *savings.claims(trace)]
        assert [line for line in lines if line.strip() not in DOCS] == []


def test_the_made_up_trace_is_the_same_each_time_and_has_the_quantiles_of_the_published_one() -> None:
    made_up, *published = savings.traces().values()
    assert hashlib.sha256(repr(made_up).encode()).hexdigest()[:4] == MADE_UP
    assert all(activity.quantiles(trace) == QUANTILES for trace in published)


def test_the_program_is_within_a_point_of_its_rule() -> None:
    trace = activity.synthetic(40)
    late = replay.punctual(2)
    played = [replay.bill_of(replay.replay(intervals, late=late)) for intervals in trace]
    by_rule = rule.bills(trace, rule.autostop(HOUR))
    never = rule.total(rule.bills(trace, rule.never)).on
    assert rule.total(played).on / never == pytest.approx(rule.total(by_rule).on / never, abs=0.001)
    assert rule.total(played).stops == pytest.approx(rule.total(by_rule).stops, rel=0.02)
    assert rule.total(played).breaks == pytest.approx(rule.total(by_rule).breaks, rel=0.05)


@settings(max_examples=60, deadline=None)
@given(instances(), LIMITS)
def test_observe_decides_exactly_what_stop_would(intervals: list[activity.Interval], limit: int) -> None:
    runs = replay.replay(intervals, {"limit": limit})
    (observed,) = replay.replay(intervals, {"limit": limit, "observe": True})
    decisions = [line for line in observed.lines if line["autostop"] == "observe"]
    stops = [run.lines[-1] for run in runs[:-1]]
    assert [(line["at"], line["idle"]) for line in decisions] == [(line["at"], line["idle"]) for line in stops]
    assert [line["autostop"] for line in observed.lines] == ["observe", "back"] * len(stops)
    assert [line["at"] for line in observed.lines[1::2]] == [run.start + replay.FIRST for run in runs[1:]]


@settings(max_examples=60, deadline=None)
@given(instances(), LIMITS)
def test_from_stop_to_start_is_exactly_what_running_on_would_have_cost(
    intervals: list[activity.Interval], limit: int
) -> None:
    runs = replay.replay(intervals, {"limit": limit})
    assert replay.spared(runs) == bill(intervals, rule.never).on - replay.bill_of(runs).on


@given(instances(), st.floats(0, 1), LIMITS)
def test_the_upper_bound_is_exact_where_people_stop_it_at_once_or_forget(
    intervals: list[activity.Interval], forgets: float, limit: int
) -> None:
    before = rule.owner(forgets, leaves=15 * MINUTE)
    true = bill(intervals, before).on - bill(intervals, rule.either(before, rule.autostop(limit))).on
    assert rule.claim(intervals, before, limit) == pytest.approx(true, abs=1e-6)


@given(instances(), policies(), LIMITS)
def test_no_more_is_saved_than_the_upper_bound(intervals: list[activity.Interval], before: Policy, limit: int) -> None:
    true = bill(intervals, before).on - bill(intervals, rule.either(before, rule.autostop(limit))).on
    assert true <= rule.claim(intervals, before, limit) + 1e-6


def test_off_at_20_00_is_no_lower_bound() -> None:
    night = [(8 * HOUR, 9 * HOUR), (DAY + 9 * HOUR, DAY + 10 * HOUR)]
    before = rule.owner(0, leaves=2 * HOUR)
    true = bill(night, before).on - bill(night, rule.either(before, rule.autostop(HOUR))).on
    assert true == HOUR - LATE
    assert rule.claim(night, before, HOUR, rule.evening) == 10 * HOUR - LATE


@given(instances(), policies(), policies())
def test_two_that_stop_cost_no_more_than_one_and_no_less_than_the_work(
    intervals: list[activity.Interval], one: Policy, other: Policy
) -> None:
    both = bill(intervals, rule.either(one, other)).on
    alone = [bill(intervals, policy).on for policy in (one, other)]
    assert rule.busy(intervals) <= both + 1e-6
    assert both <= min(alone) + 1e-6
    assert max(alone) <= bill(intervals, rule.never).on + 1e-6


def test_sessions_of_the_published_trace_follow_each_other(tmp_path: Path) -> None:
    lines = ["submit_time,duration", "5,2", "6,3", "20,1", "3,1"]
    (tmp_path / "trace.csv").write_text("\n".join(lines))
    assert activity.read(tmp_path / "trace.csv") == [[(300, 540), (1200, 1260)], [(180, 240)]]
