# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a made-up month, and its messages if something is missing."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.billed import Amount, Billed, kind_of, read_billed
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.facts import (
    Facts,
    Prices,
    Usage,
    read_instances,
    read_prices,
    read_usage,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.forecast import forecast, forecast_shared
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.ledger import Rates
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.lives import Event, Instance, read_lives
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.page import csv_text, page, summary, table_rows
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.periods import Month, Period
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.report import make_report
from ansible_collections.datalab.notebooks.plugins.plugin_utils.costs.saved import (
    Line,
    at_most,
    measured,
    stops_of,
)
from ansible_collections.datalab.notebooks.tests.unit.plugins.costs_month import NOVEMBER, NOW, RATES, platform

FACTS = platform().facts()
REPORT = make_report(FACTS)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


# All sums agree


def test_people_days_and_teams_are_the_total():
    total = REPORT["total"]
    assert total > 1000
    assert sum(row["total"] for row in REPORT["people"]) == pytest.approx(total)
    assert sum(team["total"] for team in REPORT["teams"]) == pytest.approx(total)
    assert sum(usd for day in REPORT["days"] for usd in day["teams"].values()) == pytest.approx(total)
    assert {row["kind"] for row in REPORT["people"]} == {"person", "platform", "unmanaged"}
    for row in REPORT["people"]:
        assert row["instance"] + row["volume"] + row["shared"] == pytest.approx(row["total"])
    assert sum(row["last"] for row in REPORT["people"]) == pytest.approx(REPORT["last"])


def test_a_person_who_left_since_last_month_has_a_row():
    made = platform(3)
    tags = {"owner": "olga", "team": "research", "platform": "datalab"}
    gone = replace(made.events[0], instance="datalab-olga", tags=tags, at=datetime(2026, 10, 5, tzinfo=UTC))
    made.events += [gone, replace(gone, status="Deleting", at=gone.at + 2 * DAY)]
    report = make_report(made.facts())
    assert sum(row["last"] for row in report["people"]) == pytest.approx(report["last"])
    (row,) = [row for row in report["people"] if row["name"] == "olga"]
    assert (row["total"], row["last_hours"]) == (0, 48)


def test_several_months_cost_what_each_does():
    two = make_report(replace(FACTS, period=Period(Month(2026, 10), Month(2026, 11), UTC)))
    assert two["total"] == pytest.approx(REPORT["total"] + REPORT["last"])
    assert (two["last"], two["forecast"], two["last_label"]) == (None, None, "")
    october = make_report(replace(FACTS, period=Period(Month(2026, 10), Month(2026, 10), UTC)))
    assert october["total"] == pytest.approx(REPORT["last"])
    assert (october["decide"], october["pending"], october["forecast"]) == ([], [], None)


def test_what_there_is_to_decide():
    said = {each["what"]: each for each in REPORT["decide"]}
    assert [each["usd"] for each in REPORT["decide"]] == sorted((each["usd"] for each in said.values()), reverse=True)
    unmanaged = said["ml.g5.xlarge runs and is unmanaged"]
    assert (unmanaged["who"], unmanaged["since"]) == ("experiment", "9 days")
    assert unmanaged["do"] == "aws sagemaker stop-notebook-instance --notebook-instance-name experiment"
    assert said["ml.t3.medium never stops: tag idle=never"]["who"] == "trent (interns)"
    volume = next(each for what, each in said.items() if what.endswith("volume, not started"))
    assert volume["do"] == "datalab.notebooks.offboard -l bela -e offboard_remove=instance"
    assert [each["who"] for what, each in said.items() if what.startswith("budget")] == ["pricing", "interns"]


def test_a_pending_change_has_its_price_at_last_months_hours():
    (waits,) = REPORT["pending"]
    hours = next(row["last_hours"] for row in REPORT["people"] if row["name"] == "niaj")
    assert (waits["who"], waits["change"]) == ("niaj", "ml.t3.medium → ml.g5.xlarge")
    assert waits["price"] == f"+1.36 USD/h, about {1.36 * hours:+,.0f} a month at last month's hours"


# Savings

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)


def ran(*spans: tuple[float, float], name: str = "alice") -> list[Event]:
    """Return the events of an instance that ran in these hours."""
    return [
        Event(BEGIN + hour * HOUR, name, status, "ml.g5.xlarge")
        for begin, end in spans
        for hour, status in ((begin, "InService"), (end, "Stopping"))
    ]


def line(hour: float, decision: str = "stop") -> Line:
    return Line(BEGIN + hour * HOUR - timedelta(seconds=20), "alice", decision, "idle")


@pytest.mark.parametrize(
    ("events", "lines", "hours"),
    [
        (ran((0, 2), (10, 12)), [line(2)], 8),
        (ran((0, 2), (10, 12)), [line(2), line(12)], 8 + 88),  # until the end of the counted time
        (ran((0, 2), (10, 12)), [], 0),  # the person stopped it
        (ran((0, 2), (10, 12)), [line(1)], 0),  # too early to be the cause of the stop
        (ran((0, 2), (10, 12)), [line(2, "observe")], 0),
        ([*ran((0, 2)), Event(BEGIN + 5 * HOUR, "alice", "Deleting")], [line(2)], 3),
        (ran((0, 2), name="bob"), [line(2)], 0),
        ([], [line(2)], 0),
    ],
)
def test_no_more_was_saved_than_until_the_person_was_back(events, lines, hours):
    until = BEGIN + 100 * HOUR
    stops = stops_of(read_lives(events, [now("alice")] if len(events) == 4 else []), lines, BEGIN, until)
    assert at_most(stops, RATES, BEGIN, until) == pytest.approx((hours, hours * 1.41))


def now(name: str, **more: Any) -> Instance:
    return replace(Instance(name, "Stopped", "ml.g5.xlarge", BEGIN - 40 * DAY, BEGIN - 30 * DAY), **more)


def test_savings_are_cut_at_the_ends_of_the_period():
    stops = stops_of(read_lives(ran((0, 2), (10, 12)), [now("alice")]), [line(2)], BEGIN, BEGIN + 100 * HOUR)
    assert at_most(stops, RATES, BEGIN + 4 * HOUR, BEGIN + 7 * HOUR)[0] == 3
    assert at_most(stops, RATES, BEGIN + 20 * HOUR, BEGIN + 30 * HOUR)[0] == 0


def test_the_measured_baseline_is_what_ran_on_while_autostop_only_observed():
    lives = read_lives([*ran((0, 10), (20, 30)), *ran((0, 50), name="bob")], [now("alice"), now("bob")])
    lines = [line(2, "observe"), line(5, "back"), line(6, "observe"), line(22, "observe"), line(23, "observe")]
    base = measured(lives, lines, BEGIN, BEGIN + 100 * HOUR)
    assert base
    assert (base.instances, base.hours, round(base.after, 1)) == (frozenset({"alice"}), 20.0, 15.0)
    assert base.saved(100) == pytest.approx(300, rel=0.01)  # for each 5 hours, 15 more would have run
    assert measured(lives, [line(2)], BEGIN, BEGIN + 100 * HOUR) is None


def test_saved_is_never_said_without_its_baseline():
    saved = REPORT["saved"]
    assert saved["baseline"] == "as if each instance that autostop stopped had run until its owner was back"
    assert saved["measured"] is None
    assert f"≤ {saved['usd']:,.0f}" in page(REPORT)
    run = next(
        event for event in FACTS.usage.events if event.instance == "datalab-alice" and event.status == "Stopping"
    )
    observed = [*FACTS.usage.lines, Line(run.at - HOUR, run.instance, "observe", "idle")]
    with_baseline = make_report(replace(FACTS, usage=replace(FACTS.usage, lines=observed)))
    assert with_baseline["saved"]["measured"]
    assert "on the 1 instance that autostop observed from" in page(with_baseline)
    assert with_baseline["saved"]["measured"]["usd"] < with_baseline["saved"]["usd"]
    assert "while it only observed" in " ".join(summary(with_baseline))
    still = [*observed, Line(NOW - HOUR, run.instance, "observe", "idle")]  # nothing was stopped, so nothing was saved
    assert make_report(replace(FACTS, usage=replace(FACTS.usage, lines=still)))["saved"]["measured"] is None
    assert make_report(replace(FACTS, usage=replace(FACTS.usage, lines=[])))["saved"] is None
    assert "20:00" not in page(REPORT)


# Forecast


def test_each_coming_day_costs_what_its_like_did():
    today, end = date(2026, 11, 25), date(2026, 12, 1)  # today is a Wednesday
    days = {today - DAY * number: 2.0 if (today - DAY * number).weekday() >= 5 else 10.0 for number in range(1, 40)}
    assert forecast(days, date(2026, 10, 1), today, end) == 10 + 10 + 10 + 2 + 2 + 10
    assert forecast({**days, today: 7.0}, date(2026, 10, 1), today, end) == 3 + 10 + 10 + 2 + 2 + 10
    assert forecast({today: 4.0}, today, today, end) == 5 * 4
    assert forecast({}, today, today, end) == 0
    assert forecast_shared({date(2026, 11, 20) + DAY * number: 5.0 for number in range(3)}, end) == 8 * 5
    assert forecast_shared({}, end) == 0


# Failures, which the page names in its second line


def second_line(facts: Facts) -> str:
    return page(make_report(facts)).split('<p class="soft">')[2].split("</p>")[0]


def test_billed_and_counted_costs_are_shown_together():
    assert "billed by AWS from 2026-11-01 to 2026-11-24 for instances and volumes" in second_line(FACTS)
    assert "(-1.0%)" in second_line(FACTS)
    assert REPORT["warnings"] == []


BILLED = FACTS.billed
DEARER = replace(BILLED, amounts=[replace(each, usd=each.usd * 1.06) for each in BILLED.amounts])
OLD = replace(BILLED, amounts=[each for each in BILLED.amounts if each.day < date(2026, 11, 15)])

FAILURES: dict[str, tuple[Facts, str]] = {
    "no Cost Explorer": (
        replace(FACTS, billed=read_billed({"problem": "Cost Explorer is not enabled", "requests": 1})),
        "Cost Explorer is not enabled: network, file systems and buckets are not in it",
    ),
    "no active tag": (
        replace(FACTS, billed=read_billed({"tags_active": {"platform": False}, "days": [], "requests": 2})),
        "the tag platform is not active in billing: network, file systems and buckets are not in it",
    ),
    "nothing billed yet": (
        replace(FACTS, billed=read_billed({"tags_active": {}, "days": [], "requests": 1})),
        "Cost Explorer has nothing of these days yet",
    ),
    "old data": (replace(FACTS, billed=OLD), "what AWS has billed is old: it ends on 2026-11-14"),
    "no events yet": (replace(FACTS, usage=Usage()), "No events yet: nothing is counted"),
    "events since some days": (
        replace(FACTS, usage=replace(FACTS.usage, since=datetime(2026, 11, 12, 9, 30, tzinfo=UTC))),
        "Counted since 2026-11-12 09:30 from AWS&#39;s events: what ran before is not in it",
    ),
    "events since later": (
        replace(FACTS, period=Period(Month(2026, 8), Month(2026, 8), UTC)),
        "Nothing was recorded before 2026-09-20 00:00: no hours are counted",
    ),
    "from CloudTrail": (
        replace(FACTS, usage=replace(FACTS.usage, source="cloudtrail")),
        "Counted from CloudTrail&#39;s records of calls",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_the_second_line_says_what_is_missing(case):
    facts, expected = FAILURES[case]
    assert expected in second_line(facts)
    report = make_report(facts)
    assert sum(row["total"] for row in report["people"]) == pytest.approx(report["total"])


def test_more_than_five_per_cent_between_billed_and_counted_is_a_warning():
    (warning,) = make_report(replace(FACTS, billed=DEARER))["warnings"]
    assert warning.startswith("AWS has billed ")
    assert warning in page(make_report(replace(FACTS, billed=DEARER))).replace("&#39;", "'")


def test_denied_teams_are_named_while_the_month_lasts():
    facts = replace(FACTS, denied=("the team research is denied",))
    assert "The team research is denied" in page(make_report(facts))
    assert "warning: the team research is denied" in summary(make_report(facts))
    assert "denied" not in page(make_report(replace(facts, now=NOVEMBER.end)))


def test_no_price_is_said_and_is_not_0():
    facts = replace(FACTS, prices=Prices(Rates({"ml.t3.medium": 0.05})), billed=Billed())
    report = make_report(facts)
    assert "no price is known for ml.g4dn.xlarge, ml.g5.xlarge, ml.m5.xlarge" in report["warnings"][0]
    assert "no price" in page(report)
    assert "no price" in {row[4] for row in table_rows(report)}
    assert [each["usd"] for each in report["decide"] if each["who"] == "experiment"] == [None]


@pytest.mark.parametrize(
    ("usage_type", "kind"),
    [
        ("EUC1-NatGateway-Hours", "NAT gateway"),
        ("USE1-VpcEndpoint-Hours", "endpoints"),
        ("USE1-TimedStorage-ByteHrs", "buckets"),
        ("EUC1-KMS-Requests", "keys"),
        ("Something-New", "Something-New"),
    ],
)
def test_usage_types_have_names(usage_type, kind):
    assert kind_of(usage_type) == kind


# The page


class Reader(HTMLParser):
    """The tags and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for key, value in attrs if key in ("src", "href", "action", "srcset")]


def test_the_page_is_small_and_needs_nothing_else():
    text = page(REPORT)
    read = Reader(text)
    assert len(text.encode()) < 100_000
    assert not read.tags & {"script", "link", "img", "iframe", "object", "form", "b-sparks", "a"}
    assert read.links == []
    assert "url(" not in text
    assert "@import" not in text


EVIL = "<b>&\"'</td><script>alert(1)</script>"


def test_names_are_escaped():
    made = platform(3)
    made.add(EVIL, EVIL, "ml.t3.medium", days=[date(2026, 11, 3)])
    made.instances[-1] = replace(
        made.instances[-1], status="InService", tags={**made.instances[-1].tags, "idle": "never"}
    )
    made.lines.append(Line(made.events[-1].at, made.events[-1].instance, "stop", EVIL))
    report = make_report(replace(made.facts(), budgets={EVIL: 0.01}))
    text = page(report)
    assert "alert(1)" in text
    assert "<script" not in text
    assert not Reader(text).tags - Reader(page(REPORT)).tags


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_computes_nothing(name):
    row = {**REPORT["people"][0], "name": name}
    (read,) = csv.DictReader(io.StringIO(csv_text({**REPORT, "people": [row]})))
    assert read["name"] == f"'{name}"


def test_csv_and_json_have_what_the_page_has():
    rows = list(csv.DictReader(io.StringIO(csv_text(REPORT))))
    assert sum(float(row["total"]) for row in rows) == pytest.approx(REPORT["total"], abs=0.01)
    assert json.loads(json.dumps(REPORT))["total"] == REPORT["total"]


def test_the_table_ends_with_the_sum():
    rows = table_rows(REPORT)
    assert (rows[-1][0], rows[-1][4]) == ("all", f"{REPORT['total']:.2f}")
    assert summary(REPORT)[0] == "datalab: costs, November 2026"


def test_a_platform_of_nothing_has_a_report_too():
    report = make_report(Facts(NOVEMBER, NOW, FACTS.managed))
    assert (report["total"], report["forecast"], report["saved"], report["last"]) == (0, 0, None, None)
    assert table_rows(report)[-1][:5] == ["all", "", "", "0.0", "0.00"]
    assert "No events yet" in page(report)
    assert summary(report)


def test_a_thousand_people_take_little_time():
    facts = platform(1000, 25).facts()
    begin = time.process_time()
    text = page(make_report(facts))
    assert time.process_time() - begin < 10
    assert len(text.encode()) < 1_000_000


# Results of modules


def test_results_of_modules_are_read():
    event = {
        "time": "2026-11-03T08:12:44Z",
        "instance": "datalab-alice",
        "status": "InService",
        "instance_type": "ml.t3.medium",
        "tags": {"owner": "alice"},
        "volume_size": None,
    }
    stop = {"time": "2026-11-03T10:00:00Z", "instance": "datalab-alice", "decision": "stop", "reason": "idle 62 min"}
    usage = read_usage({"events": [event], "stops": [stop], "since": "2026-11-01T00:00:00Z", "source": "events"})
    assert usage.events[0].at == datetime(2026, 11, 3, 8, 12, 44, tzinfo=UTC)
    assert (usage.lines[0].reason, usage.since) == ("idle 62 min", NOVEMBER.begin)
    assert read_usage({"since": None}).since is None
    (line,) = read_usage({"stops": [{**stop, "reason": f"\x1b[2J\n{'x' * 300}"}]}).lines
    assert line.reason == f" [2J {'x' * 195}"
    prices = read_prices({"instances": {"ml.t3.medium": 0.05}, "region": "us-east-1", "source": "shipped"})
    assert (prices.rates.volume, prices.rates.instances) == (None, {"ml.t3.medium": 0.05})
    billed = read_billed(
        {"days": [{"day": "2026-11-03", "key": "", "usage_type": "X", "amount": 1.25}], "requests": 2, "problem": ""}
    )
    assert billed == Billed([Amount(date(2026, 11, 3), "", "X", 1.25)], "", 2)
    answer = {
        "NotebookInstanceName": "datalab-alice",
        "NotebookInstanceStatus": "Stopped",
        "InstanceType": "ml.t3.medium",
        "CreationTime": "2026-11-01T00:00:00+00:00",
        "LastModifiedTime": "2026-11-02T00:00:00+00:00",
    }
    (instance,) = read_instances({"instances": [{"answer": answer, "tags": {}}]}, {})
    assert instance.volume is None
    assert instance.created < NOW
