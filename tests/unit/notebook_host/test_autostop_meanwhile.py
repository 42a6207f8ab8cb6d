# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The on-start script stops an instance that lacks autostop's program; all that it reads is a stub or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import AUTOSTOP, DELIVER, from_bucket
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import DEFAULTS, Host, rendered

HOURS = 3600
METADATA = '{"ResourceArn": "arn:aws:sagemaker:eu-central-1:1:notebook-instance/x", "ResourceName": "x"}'
AWS = """
case $1-$2-$3 in
  s3-cp-*/datalab) cat {datalab} ;;
  s3-cp-*) cat {program} ;;
  sagemaker-list-tags-*) {tag} ;;
esac
"""


def instance(host: Host, tag: str, **settings: Any) -> Host:
    """An instance after a start that could not fetch autostop's program."""
    wanted = {**DEFAULTS, "notebook_host_steps": ["tools", "autostop"], **settings}
    for directory in ("run/systemd/system", "opt/ml/metadata", "var/lib/datalab"):
        (host.root / directory).mkdir(parents=True)
    (host.root / "opt/ml/metadata/resource-metadata.json").write_text(METADATA)
    host.stub("aws", AWS.format(datalab=DELIVER, program="/none", tag=tag))
    host.stub("pgrep", "exit 1")
    host.stub("find")
    host.stub("curl", 'echo \'[{"execution_state": "idle", "connections": 1}]\'')
    host.install(rendered(dict(from_bucket(wanted, "acme-tools")))["on-start.sh"]).start()
    return host


def still(host: Host, seconds: int, cpu: int = 10**18, sent: int = 10**18) -> None:
    """Record that nothing has happened for this long. Real counters since the boot of a machine are smaller."""
    now = int(float(Path("/proc/uptime").read_text().split(".")[0]))
    (host.root / "var/lib/datalab/still").write_text(f"{cpu} {sent} {now - seconds}\n")


def stopped(host: Host, *arguments: str) -> bool:
    calls = host.stubs / "aws.calls"
    calls.unlink(missing_ok=True)
    host.run("autostop", *arguments)
    return "stop-notebook-instance" in (calls.read_text() if calls.exists() else "")


NOT_ALWAYS = {"notebook_host_idle_timeout_maximum": 7200}


@pytest.mark.parametrize(
    ("hours", "tag", "settings", "stops"),
    [
        (5, "echo", {}, False),
        (7, "echo", {}, True),
        (7, "echo 60", {}, True),
        (5, "echo 60", {}, False),
        (7, "echo 30000", {}, False),
        (9, "echo 030000", {}, True),
        (7, "echo soon", {}, True),
        (99, "echo Never", {}, False),
        (99, "echo 0", {}, False),
        (99, "exit 1", {}, False),  # a role that cannot read the tag cannot stop the instance either
        (5, "echo never", NOT_ALWAYS, False),
        (7, "echo never", NOT_ALWAYS, True),
        (7, "echo 30000", NOT_ALWAYS, True),
        (99, "echo", {"notebook_host_idle_timeout": 0}, False),
        (7, "echo 60", {"notebook_host_idle_timeout": 0}, True),
        (7, "echo", {"notebook_host_idle_timeout": 30_000}, False),
        (99, "echo", {"notebook_host_autostop": "observe"}, False),
    ],
)
def test_it_waits_for_hours_and_for_the_limit(
    hours: int, tag: str, settings: dict[str, Any], stops: bool, host: Host
) -> None:
    instance(host, tag, **settings)
    still(host, hours * HOURS)
    assert stopped(host) is stops
    assert ("nothing had moved for" in host.notice) is stops


BUSY = '[{"execution_state": "busy", "connections": 0}]'


@pytest.mark.parametrize(
    "moves",
    [
        lambda host: still(host, 99 * HOURS, cpu=0),
        lambda host: still(host, 99 * HOURS, sent=0),
        lambda host: host.stub("pgrep"),  # there is a hold
        lambda host: host.stub("find", "echo /dev/pts/1"),  # a key was pressed
        lambda host: host.stub("curl", f"echo '{BUSY}'"),
    ],
    ids=["cpu", "bytes", "hold", "key", "kernel"],
)
def test_activity_keeps_the_instance_and_restarts_the_clock(moves: Any, host: Host) -> None:
    instance(host, "echo")
    still(host, 99 * HOURS)
    moves(host)
    assert not stopped(host)
    cpu, sent, _since = (host.root / "var/lib/datalab/still").read_text().split()
    assert 0 < int(cpu) < 10**18
    assert 0 < int(sent) < 10**18
    assert not stopped(host)


@pytest.mark.parametrize(("ignores", "stops"), [(True, True), (False, False)])
def test_an_open_notebook_counts_where_it_is_to(ignores: bool, stops: bool, host: Host) -> None:
    instance(host, "echo", notebook_host_ignore_connections=ignores)
    still(host, 99 * HOURS)
    assert stopped(host) is stops


def test_a_directory_in_the_place_of_its_memory_is_moved_aside(host: Host) -> None:
    instance(host, "echo")
    (host.root / "var/lib/datalab/still").mkdir()
    assert not stopped(host)
    (aside,) = (host.root / "var/lib/datalab").glob("still.*")
    assert f"still was a directory, and is now {aside}." in host.notice
    still(host, 7 * HOURS)
    assert stopped(host)


def test_a_dry_run_and_the_first_look_stop_nothing(host: Host) -> None:
    instance(host, "echo")
    assert not stopped(host)
    still(host, 7 * HOURS)
    assert not stopped(host, "--dry-run")


def test_it_is_told_until_the_program_is_there(host: Host) -> None:
    instance(host, "echo")
    host.run("fetch_missing", expect=1)
    assert "Meanwhile this instance stops only when nothing has moved for hours" in host.notice
    assert "is missing" in host.run("autostop", "--dry-run")
    host.stub("aws", AWS.format(datalab=DELIVER, program=AUTOSTOP, tag="echo"))
    host.run("fetch_missing")
    assert host.notice == ""
    assert "is missing" not in host.run("autostop", "--dry-run")
