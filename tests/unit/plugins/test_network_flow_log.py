# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The flow log of the VPC: its destination, which flow logs are the platform's, and whether they are delivered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.network import problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.network import plan_network_removal
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_account import DEFAULTS, Account, Found
from ansible_collections.datalab.notebooks.tests.unit.plugins.network_cases import FEW, account, one, texts

BUCKET = "arn:aws:s3:::acme-logs"
LOGGED = FEW | {"flow_log": {"bucket": "acme-logs"}}
REJECT = {"bucket": "acme-logs", "traffic": "REJECT"}
GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:x"
CREATE, CHANGE, REMOVE = (f"{action} flow log to acme-logs" for action in ("create", "change", "remove"))


def log_of_others(destination: str = BUCKET, traffic: str = "ALL", **more: Any) -> Found:
    log = {"flow_log_id": "fl-9a", "resource_id": "vpc-0001", "traffic_type": traffic, "tags": {}}
    return {**log, "log_destination": destination, **more}


@pytest.mark.parametrize(
    ("said", "destination", "traffic"),
    [
        ({"bucket": "acme-logs"}, BUCKET, "ALL"),
        ({"bucket": "acme-logs", "prefix": "", "traffic": None}, BUCKET, "ALL"),
        ({"bucket": "acme-logs", "prefix": "a/b", "traffic": "REJECT"}, f"{BUCKET}/a/b/", "REJECT"),
        ({"bucket": "acme-logs", "prefix": "a/b/", "traffic": "ALL"}, f"{BUCKET}/a/b/", "ALL"),
    ],
)
def test_where_it_is_written(said: dict[str, Any], destination: str, traffic: str) -> None:
    there = account(FEW)
    plan = there.plan(flow_log=said)
    tags = {"Name": "datalab-flow-log", "datalab:network": "datalab"}
    step = {"vpc_id": "vpc-0001", "log_destination": destination, "traffic_type": traffic, "tags": tags}
    assert plan.steps["flow_logs"] == [step]
    assert there.converge(flow_log=said).changes == ()


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {"bucket": "acme-logs"}, [CREATE]),
        ({"bucket": "acme-logs"}, {"bucket": "acme-logs", "traffic": "ALL"}, []),
        ({"bucket": "acme-logs", "prefix": "a"}, {"bucket": "acme-logs", "prefix": "a/"}, []),
        ({"bucket": "acme-logs"}, REJECT, [CHANGE]),
        ({"bucket": "acme-logs"}, {"bucket": "acme-logs", "prefix": "a"}, [REMOVE, f"{CREATE}/a"]),
        ({"bucket": "acme-logs"}, {}, [REMOVE]),
        ({}, {}, []),
    ],
)
def test_other_settings_replace_the_flow_log(before: Found, after: Found, changes: list[str]) -> None:
    there = account(FEW | {"flow_log": before})
    assert texts(there, flow_log=after) == changes
    assert there.converge().changes == ()
    assert len(there.there["flow_logs"]) == bool(after)


@pytest.mark.parametrize(
    ("others", "said", "changes"),
    [
        (log_of_others(), {"bucket": "acme-logs"}, []),
        (log_of_others(), REJECT, []),
        (log_of_others(traffic="REJECT"), REJECT, []),
        (log_of_others(f"{BUCKET}/a/"), {"bucket": "acme-logs"}, [CREATE]),
        (log_of_others(GROUP), {"bucket": "acme-logs"}, [CREATE]),
        (log_of_others(), {}, []),
    ],
)
def test_one_of_others_is_used_and_stays(others: Found, said: Found, changes: list[str]) -> None:
    there = account(FEW)
    there.there["flow_logs"].append(others)
    assert texts(there, flow_log=said) == changes
    assert there.converge().changes == ()
    assert others in there.there["flow_logs"]


@pytest.mark.parametrize(("traffic", "said"), [("REJECT", "ALL"), ("ACCEPT", "REJECT"), ("ACCEPT", "ALL")])
def test_one_of_others_that_has_less_is_in_the_way(traffic: str, said: str) -> None:
    there = account(FEW)
    there.there["flow_logs"].append(log_of_others(traffic=traffic))
    (sentence,) = there.plan(flow_log={"bucket": "acme-logs", "traffic": said}).refused
    assert sentence == (
        f"platform_network_flow_log is to be written to acme-logs, but fl-9a of vpc-0001 is, with {traffic} only, and"
        " is not this role's. Choose another prefix, or tag it datalab:network=datalab to have it managed."
    )


def test_ours_beside_one_of_others_is_no_conflict() -> None:
    there = account(LOGGED)
    there.there["flow_logs"].append(log_of_others(traffic="REJECT"))
    plan = there.plan()
    assert (plan.refused, plan.changes) == ((), ())


def test_one_that_does_not_arrive_is_told() -> None:
    there = account(LOGGED)
    assert there.plan().notes == ()
    one(there, "flow_logs", "datalab-flow-log").update(
        deliver_logs_status="FAILED", deliver_logs_error_message="Access error"
    )
    assert there.plan().changes == ()
    (note,) = there.plan().notes
    assert note == (
        "The flow log to acme-logs does not arrive there: Access error. The policy of acme-logs must let"
        " delivery.logs.amazonaws.com write."
    )


def test_a_removal_takes_ours_and_leaves_what_others_have() -> None:
    there = account(LOGGED)
    there.there["flow_logs"].append(log_of_others())
    plan = plan_network_removal(there.settings, there.read(removal=True))
    assert plan.refused == ()
    assert [change.text for change in plan.changes if "flow log" in change.text] == ["flow log to acme-logs"]
    assert [step["log_destination"] for step in plan.steps["remove_flow_logs"]] == [BUCKET]


def test_nothing_is_logged_by_default() -> None:
    assert not [change for change in Account(DEFAULTS).plan().changes if "flow log" in change.text]


STORAGE = {"efs_name": "datalab", "results_bucket": "", "tools_bucket": "acme-tools"}


@pytest.mark.parametrize(
    ("bucket", "use"),
    [
        ("datalab-results-123456789012-eu-central-1", "results"),
        ("acme-tools", "tools"),
        ("datalab-tools-123456789012-eu-central-1", None),  # the tools are in another bucket
        ("datalab-results", None),
        ("acme-logs", None),
    ],
)
def test_it_is_not_written_to_a_bucket_of_the_platform(bucket: str, use: str | None) -> None:
    said = list(problems(DEFAULTS | {"flow_log": {"bucket": bucket}}, STORAGE))
    assert [f"bucket is {bucket}, the platform's own for {use}" in sentence for sentence in said] == [True] * bool(use)
