# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of costs: people start, work and stop, and the report shows that time with the reason for the stop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox import Sandbox

from .conftest import PlaybookRunner, Played, changing, connection

Run = Callable[..., Played]
PRICED = "us-east-1"  # a region whose prices are shipped
STREAM = "datalab-alice/autostop"
REASON = "last activity 3,612 s > 3,600 s (the default): stop"
GROUP = "/aws/sagemaker/NotebookInstances"


@pytest.fixture
def run(sandbox: Sandbox, playbook: PlaybookRunner, tmp_path: Path) -> Run:
    """Provide a function that runs a playbook over two people and a viewer."""
    path = tmp_path / "inventory.json"
    research = {"hosts": {"alice": {}, "bob": {}}, "vars": {"notebook_team": "research"}}
    shared = {
        "platform_aws": {**connection(sandbox.endpoint), "region": PRICED},
        "platform_costs_teams": {"research": {"budget": 100, "alerts": [80], "emails": ["lead@example.org"]}},
    }
    inventory = {
        "all": {"vars": shared},
        "owners": {"children": {"research": research}},
        "viewers": {"hosts": {"viewer": {}}},
    }
    path.write_text(json.dumps(inventory), encoding="utf-8")

    def play(name: str, *arguments: str, check: bool = True) -> Played:
        sandbox.reset_calls()
        directory = ("-e", f"costs_directory={tmp_path / 'costs'}")
        return playbook(f"datalab.notebooks.{name}", "-i", path, *directory, *arguments, check=check)

    return play


def report(directory: Path) -> dict[str, Any]:
    (file,) = (directory / "costs").glob("20*.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def client(sandbox: Sandbox, service: str) -> Any:
    session = boto3.Session("sandbox", "local-only", region_name=PRICED)
    return session.client(service, endpoint_url=sandbox.endpoint)  # type: ignore[call-overload]


def autostop(sandbox: Sandbox) -> None:
    """Log a reason and stop Alice's instance, as autostop does, in a later second than that of its start."""
    sagemaker = client(sandbox, "sagemaker")
    started = sagemaker.describe_notebook_instance(NotebookInstanceName="datalab-alice")["LastModifiedTime"].timestamp()
    while int(time.time()) == int(started):
        time.sleep(0.1)
    logs = client(sandbox, "logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    line = {"autostop": "stop", "reason": REASON, "idle": 3612, "busy": 3, "running": 3615}
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line)}
    logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=[event])
    sagemaker.stop_notebook_instance(NotebookInstanceName="datalab-alice")


def activate_tags(sandbox: Sandbox) -> None:
    """Activate the tags, as the account that pays does."""
    tags = [{"TagKey": key, "Status": "Active"} for key in ("platform", "team", "owner")]
    answer = client(sandbox, "ce").update_cost_allocation_tags_status(CostAllocationTagsStatus=tags)
    assert not answer["Errors"]


def test_running_time_is_reported_to_the_second_with_its_reason(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    planned = run("site", "--check")
    assert "datalab-alice, ml.t3.medium, 20 GiB: +0.05 USD/h, +2.80 USD a month for the volume" in planned.stdout
    run("costs")
    assert report(tmp_path)["sources"][0] == "no events yet: nothing is counted"
    assert sandbox.calls()["cloudtrail:LookupEvents"]
    run("site")
    autostop(sandbox)
    activate_tags(sandbox)
    waits = run("resize", "-l", "bob", "-e", "notebook_instance_type=ml.g5.xlarge")
    assert "instance_type ml.t3.medium → ml.g5.xlarge at the next stop: +1.36 USD/h" in waits.stdout

    shown = run("costs", "-e", "costs_upload=true")
    assert changing(sandbox) == {"s3:PutObject": 3}
    paid = sandbox.calls()["ce:GetCostAndUsage"]
    assert 1 <= paid <= 5
    said = report(tmp_path)
    people = {row["name"]: row for row in said["people"]}
    assert people["alice"]["last_stop"]["reason"] == REASON
    assert (people["alice"]["stopped_by_autostop"], people["alice"]["is_on"]) == (1, False)
    assert 0 < people["alice"]["hours"] < people["bob"]["hours"] < 0.2
    assert people["alice"]["instance"] == pytest.approx(people["alice"]["hours"] * 0.05)
    assert sum(row["total"] for row in said["people"]) == pytest.approx(said["total"])
    assert {team["name"]: team["budget"] for team in said["teams"]}["research"] == 100
    assert REASON in shown.stdout
    page = next((tmp_path / "costs").glob("20*.html")).read_text(encoding="utf-8")
    assert REASON.replace(">", "&gt;") in page


def test_a_refused_report_makes_no_call(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    future = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m")
    refused = run("costs", "-e", "platform_costs_timezone=Mars", check=False)
    assert "platform_costs_timezone is Mars" in refused.stdout
    refused = run("costs", "-e", f"costs_month={future}", check=False)
    assert f"costs_month is {future}; {future} is in the future" in refused.stdout
    assert "leave out -l" in run("costs", "-l", "alice", check=False).stdout
    assert not sandbox.calls()
    assert not (tmp_path / "costs").exists()
