# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole ticks of autostop, with a Jupyter with given answers and an AWS CLI that records its calls."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    HOUR,
    LIST_TAGS,
    OPTIONS,
    STOP,
    Instance,
    Jupyter,
    autostop,
    kernel,
    session,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import wait_for

BUSY = [session(kernel(90_000, "busy"))]


def hook(instance: Instance, name: str, body: str) -> Path:
    file = instance.hooks / name
    file.write_text(f"#!/bin/bash\n{body}\n")
    file.chmod(0o755)
    return file


def test_an_idle_instance_is_stopped_and_its_owner_told_why(instance: Instance, jupyter: Jupyter) -> None:
    said = instance.tick()
    assert said == "idle 36,000 s > 5 s (default): stop\n"
    lists = [f"/api/{what}?no_track_activity=1" for what in ("sessions", "kernels")]
    assert jupyter.asked == lists * 2  # before and after the hooks
    assert instance.called() == [LIST_TAGS, STOP]
    (notice,) = instance.told()
    assert notice.startswith("notice|stopped|20")
    assert f" UTC, autostop: {said.strip()}.|Your files are all here." in notice
    assert "tag `idle`" in notice


def test_a_stop_is_a_line_for_the_report_of_costs(instance: Instance) -> None:
    instance.remember(active=36_000, worked=1234.0)
    instance.tick()
    (line,) = instance.logged()
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert line.pop("running") == pytest.approx(uptime, abs=60)
    idle = line.pop("idle")
    assert idle == pytest.approx(36_000, abs=60)
    assert line == {"autostop": "stop", "reason": f"idle {idle:,} s > 5 s (default): stop", "busy": 1234}
    instance.aws(stopping="exit 1")
    instance.state.write_text(json.dumps({**instance.memory, "now": int(uptime)}))
    instance.tick(expect=1)
    assert len(instance.logged()) == 1, "it is the same idle period"


def test_observe_stops_nothing_and_logs_each_decision_once(instance: Instance, jupyter: Jupyter) -> None:
    instance.remember(active=60)  # less than the uptime of any machine
    hook(instance, "save", f"touch {instance.hooks}/saved")
    for _ in range(2):
        assert instance.tick(observe=True).endswith(": stop\n")
    assert instance.called() == [LIST_TAGS] * 2
    assert instance.told() == []
    assert not (instance.hooks / "saved").exists()
    assert [line["autostop"] for line in instance.logged()] == ["observe"]
    for _ in range(2):
        jupyter.lists["sessions"] = BUSY
        instance.tick(observe=True)
    jupyter.lists["sessions"] = []
    instance.state.write_text(json.dumps({**instance.memory, "active": instance.memory["active"] - 100}))
    instance.tick(observe=True)
    assert [line["autostop"] for line in instance.logged()] == ["observe", "back", "observe"]


def test_returning_work_is_logged_with_its_reason(instance: Instance, jupyter: Jupyter) -> None:
    instance.remember(active=60)
    instance.tick(observe=True)
    jupyter.lists["sessions"] = [session(kernel(2))]
    instance.tick(observe=True, limit=HOUR)
    observed, back = instance.logged()
    assert observed["idle"] == pytest.approx(90, abs=30)
    assert back["idle"] < 60
    assert back["reason"] == f"idle {back['idle']} s <= 3,600 s (default): keep"


@pytest.mark.parametrize("kind", ["directory", "link to one"])
def test_a_directory_in_the_place_of_its_memory_is_moved_aside(kind: str, instance: Instance) -> None:
    mine = instance.state if kind == "directory" else instance.state.with_name("mine")
    instance.state.unlink()
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    if kind != "directory":
        instance.state.symlink_to(mine)
    for _ in range(2):
        instance.tick()
    (aside,) = instance.state.parent.glob("*.old")
    assert (aside / "notes.txt").read_text() == "mine"
    assert instance.told() == [f"notice|memory|{instance.state} was a directory, and is now {aside}."]
    assert instance.memory["now"] > 0


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"now": "soon"}', '{"now": null}', "\0"])
def test_a_memory_that_makes_no_sense_is_begun_anew(content: str, instance: Instance) -> None:
    instance.state.write_text(content)
    assert instance.tick().startswith("idle 0 s <= 5 s (default): keep")
    assert instance.memory["now"] > 0


def test_busy_seconds_are_counted(instance: Instance, jupyter: Jupyter) -> None:
    jupyter.lists["sessions"] = BUSY
    instance.remember(active=36_000)  # the last tick was five minutes ago
    instance.tick()
    assert instance.memory["worked"] == pytest.approx(300, abs=60)
    jupyter.lists["sessions"] = []
    instance.remember(active=36_000, worked=50.0)
    instance.tick()
    assert instance.memory["worked"] == 50


def test_a_dry_run_only_says_what_it_would_do(instance: Instance) -> None:
    hook(instance, "save", f"touch {instance.hooks}/saved")
    instance.install()
    before = instance.host.tree()
    assert instance.tick("--dry-run").endswith(": stop\n")
    assert instance.called() == [LIST_TAGS]
    assert instance.told() == []
    assert instance.host.tree() == before
    instance.state.unlink()
    assert re.fullmatch(r"idle [0-4] s <= 5 s \(default\): keep\n", instance.tick("--dry-run"))
    assert list(instance.state.parent.iterdir()) == []


def test_the_tag_wins(instance: Instance) -> None:
    instance.tag("never")
    assert instance.tick() == "idle 36,000 s, no limit (tag): keep\n"
    assert instance.called() == [LIST_TAGS]
    instance.tag("6")
    instance.remember(active=36_000)
    assert instance.tick(limit=0) == "idle 36,000 s > 6 s (tag): stop\n"
    assert instance.called() == [LIST_TAGS, LIST_TAGS, STOP]


def test_aws_is_not_asked_while_somebody_works(instance: Instance, jupyter: Jupyter) -> None:
    jupyter.lists["sessions"] = BUSY
    assert instance.tick() == "teams/fraud/train.ipynb is computing: keep\n"
    jupyter.lists["sessions"] = []
    assert re.fullmatch(r"idle \d+ s <= 3,600 s \(default\): keep\n", instance.tick(limit=3600))
    assert instance.called() == []


def test_a_tag_that_cannot_be_read_is_as_it_was(instance: Instance) -> None:
    instance.aws(listing="echo 'Rate exceeded' >&2; exit 254")
    instance.remember(active=36_000, tag="never")
    assert instance.tick() == "tag not readable: Rate exceeded\nidle 36,000 s, no limit (tag): keep\n"
    assert instance.memory["tag"] == "never"
    instance.remember(active=36_000, tag="")
    assert instance.tick() == "tag not readable: Rate exceeded\nidle 36,000 s > 5 s (default): stop\n"
    assert instance.called() == [LIST_TAGS, LIST_TAGS, STOP]


def test_a_tag_that_was_never_read_may_be_never_for_a_day(instance: Instance) -> None:
    instance.aws(listing="echo 'AccessDenied' >&2; exit 254")
    problem = "tag not readable: AccessDenied\n"
    unread = "(longest limit: the tag idle was never read)"
    assert instance.tick() == f"{problem}idle 36,000 s <= 86,400 s {unread}: keep\n"
    assert instance.told() == ["notice|autostop|Autostop takes the longest limit: the tag idle was never read."]
    instance.remember(active=36_000)
    assert instance.tick(maximum=40_000) == f"{problem}idle 36,000 s <= 40,000 s {unread}: keep\n"
    instance.remember(active=36_000)
    assert instance.tick(limit=0).endswith(f"no limit {unread}: keep\n")
    instance.remember(active=90_000)
    assert instance.tick() == f"{problem}idle 90,000 s > 86,400 s {unread}: stop\n"
    assert STOP in instance.called()


def test_a_tag_that_can_be_read_in_the_end_counts(instance: Instance) -> None:
    instance.aws(listing="exit 255")
    instance.tick()
    instance.aws()
    instance.tag("600")
    instance.state.write_text(json.dumps({**instance.memory, "asked": 1.0}))
    assert instance.tick() == "idle 36,000 s > 600 s (tag): stop\n"
    assert instance.told()[1] == "notice|autostop"


def test_a_tag_that_is_nonsense_is_told_until_it_makes_sense(instance: Instance) -> None:
    instance.tag("1 h")
    assert instance.tick(limit=0).endswith("no limit (default: the tag idle=1 h is no number of seconds): keep\n")
    assert instance.told() == ["notice|autostop|Autostop takes the default: the tag idle=1 h is no number of seconds."]
    instance.state.write_text(json.dumps({**instance.memory, "asked": 1.0}))
    instance.tag("90000")
    assert instance.tick(limit=0).endswith("(tag): keep\n")
    assert instance.told()[1:] == ["notice|autostop"]
    instance.tick(limit=0)
    assert len(instance.told()) == 2


@pytest.mark.parametrize("state", [None, "not JSON", "5", "[]", "{}", '{"now": 1e99, "active": -36000}'])
def test_the_first_tick_of_a_boot_starts_the_clock(instance: Instance, state: str | None) -> None:
    instance.state.unlink()
    if state is not None:
        instance.state.write_text(state)
    assert re.fullmatch(r"idle [0-4] s <= 5 s \(default\): keep\n", instance.tick())
    assert instance.memory["active"] == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=60)
    assert instance.called() == []


def test_a_fifo_in_the_place_of_its_memory_keeps_no_tick_waiting(instance: Instance) -> None:
    for file in (instance.state, instance.state.with_name(f"{instance.state.name}.new")):
        file.unlink(missing_ok=True)
        os.mkfifo(file)
        assert instance.tick().endswith(": keep\n")
        assert instance.memory["active"]


ANSWERS: list[tuple[str, Any, int, str]] = [
    ("sessions", [], 500, "sessions: HTTP 500"),
    ("sessions", [], 403, "sessions: HTTP 403"),
    ("kernels", b"<html>", 200, "Expecting value"),
    ("kernels", b"\xff\xfe\xfd", 200, "decode"),
    ("kernels", {"message": "no"}, 200, "kernels: {'message': 'no'}"),
    ("kernels", {}, 200, "kernels: {}"),
    ("sessions", ["1"], 200, "sessions: ['1']"),
    ("kernels", None, 200, "kernels: HTTP 404"),
]


@pytest.mark.parametrize(("what", "answer", "status", "expect"), ANSWERS, ids=[expect for *_, expect in ANSWERS])
def test_invalid_answers_count_as_none(
    instance: Instance, jupyter: Jupyter, what: str, answer: Any, status: int, expect: str
) -> None:
    jupyter.lists[what], jupyter.status = answer, status
    said = instance.tick()
    assert said.startswith("no answer from Jupyter (")
    assert expect in said
    assert said.endswith(") 0 s <= 5 s (no answer): keep\n")


@pytest.mark.parametrize("garbage", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n[{"])
def test_an_answer_that_is_no_http_counts_as_none(instance: Instance, jupyter: Jupyter, garbage: bytes) -> None:
    handler = jupyter.server.RequestHandlerClass
    handler.do_GET = lambda self: self.wfile.write(garbage)  # type: ignore[attr-defined]
    assert instance.tick().startswith("no answer from Jupyter (")


def test_a_jupyter_that_does_not_answer_stops_the_instance_in_the_end(instance: Instance, jupyter: Jupyter) -> None:
    instance.port = 1
    assert instance.tick().endswith("refused) 0 s <= 5 s (no answer): keep\n")
    assert STOP not in instance.called()
    assert instance.memory["silent"] == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=60)
    instance.remember(active=36_000, silence="before", silent=1000)
    assert instance.tick(limit=0).endswith(" 1,000 s, no limit (default): keep\n")
    assert instance.tick().endswith("refused) 1,000 s > 5 s (no answer): stop\n")
    assert instance.called()[-1] == STOP
    assert "autostop: no answer from Jupyter ([Errno 111] Connection refused) 1,000 s > 5 s" in instance.told()[-1]
    instance.port = jupyter.port
    instance.tick(limit=0)
    assert instance.memory["silence"] == ""


def test_an_instance_that_cannot_be_stopped_says_so_and_tries_again(instance: Instance, jupyter: Jupyter) -> None:
    instance.aws(stopping="echo 'An error (AccessDenied)' >&2; exit 254")
    for _ in range(2):
        assert "not stopped: An error (AccessDenied)\n" in instance.tick(expect=1)
        assert "please stop the instance yourself" in instance.told()[-1]
        assert "AccessDenied" in instance.told()[-1]
    assert instance.called() == [LIST_TAGS, STOP] * 2
    jupyter.lists["sessions"] = BUSY
    instance.tick()
    assert instance.told()[-1] == "notice|stopped"
    instance.tick()
    assert len(instance.told()) == 5


def test_an_instance_that_stops_already_is_left_alone(instance: Instance) -> None:
    error = "An error occurred (ValidationException) ...: Status (Stopping) not in ([InService])."
    instance.aws(stopping=f"echo '{error}' >&2; exit 254")
    assert instance.tick().endswith(f"\nnot stopped: {error}\n")
    assert len(instance.told()) == 1


def test_hooks_run_in_order_and_none_keeps_the_instance_from_stopping(instance: Instance) -> None:
    trace = instance.host.root / "trace"
    last = hook(instance, "90-last", f"echo last >>{trace}; wc -l <{instance.calls} >>{trace}")
    first = hook(instance, "10-first", f"echo first >>{trace}; exit 3")
    broken = hook(instance, "20-broken", "")
    broken.write_text("#!/nonexistent\n")
    hook(instance, "30-not-executable", f"echo no >>{trace}").chmod(0o644)
    (instance.hooks / "40-directory").mkdir()
    said = instance.tick().splitlines()
    assert said[1:] == [f"{first} ended with 3", said[2], f"{last} ended with 0"]
    assert said[2].startswith(f"{broken} ended with 12")
    assert trace.read_text().split() == ["first", "last", "1"]  # one call: the tags were read, nothing was stopped
    assert instance.called() == [LIST_TAGS, STOP]


def test_a_hook_that_hangs_is_killed_with_all_its_children(instance: Instance, tmp_path: Path) -> None:
    hook(instance, "hangs", f"trap '' TERM\nsleep 1000 &\necho $! >{tmp_path}/child\nwait\nsleep 1000")
    real = subprocess.run(["bash", "-c", "type -P timeout"], capture_output=True, text=True, check=True).stdout.strip()
    # The real program, with 0.5 seconds in place of 60.
    instance.host.stub("timeout", f'[ "$3" = 60 ] && exec {real} -s KILL 0.5 "${{@:4}}"; exec {real} "$@"')
    said = instance.tick()
    assert "hangs ended with -9\n" in said or "hangs ended with 137\n" in said
    assert instance.called() == [LIST_TAGS, STOP]
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    wait_for(lambda: not child.exists() or child.read_text().split()[2] == "Z")


def test_work_during_the_hooks_prevents_the_stop(instance: Instance, jupyter: Jupyter) -> None:
    started = instance.host.root / "started"
    hook(instance, "slow", f"touch {started}\nwhile [ -e {started} ]; do sleep 0.02; done")
    instance.install()
    with subprocess.Popen(instance.command, env=instance.environment, stdout=subprocess.PIPE, text=True) as tick:
        wait_for(started.exists)
        jupyter.lists["sessions"] = BUSY
        assert instance.tick("--dry-run") == "teams/fraud/train.ipynb is computing: keep\n"
        started.unlink()
        said = tick.communicate()[0]
    assert tick.returncode == 0
    assert said.splitlines()[-1] == "teams/fraud/train.ipynb is computing: keep"
    assert instance.called() == [LIST_TAGS]
    assert instance.told() == []
    assert instance.tick() == "teams/fraud/train.ipynb is computing: keep\n"


def test_a_hooks_use_of_a_kernel_is_no_activity(instance: Instance, jupyter: Jupyter) -> None:
    instance.aws(stopping="echo Throttled >&2; exit 254")
    jupyter.lists["kernels"] = [kernel(90_000)]
    stamp = kernel()["last_activity"]
    handler = jupyter.server.RequestHandlerClass
    answer = handler.do_GET  # type: ignore[attr-defined]

    def after_the_hook(self: Any) -> None:
        if (instance.hooks / "saved").exists():
            jupyter.lists["kernels"] = [kernel(last_activity=stamp)]
        answer(self)

    handler.do_GET = after_the_hook  # type: ignore[attr-defined]
    instance.remember(active=36_000, stamps=[kernel(90_000)["last_activity"]])
    hook(instance, "save", f"touch {instance.hooks}/saved")
    instance.tick(expect=1)
    assert instance.memory["stamps"] == [stamp]
    assert instance.tick(expect=1).startswith("idle 36,000 s")
    assert instance.called() == [LIST_TAGS, STOP] * 2


def ticks(instance: Instance, hours: int, limit: int = HOUR) -> tuple[list[str], list[str]]:
    """Run a tick every five minutes for this many hours, and return the messages and the calls of the AWS CLI."""
    instance.install()
    options = SimpleNamespace(**{**OPTIONS, "limit": limit, "no_answer": HOUR})
    memory = autostop.Memory(1000.0, 1_800_000_000.0)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in instance.python_constants.items():
            patch.setattr(autostop, name, value)
        for _ in range(hours * 12):
            due, reason = autostop.look(options, memory)
            said.append(reason)
            autostop.act(options, memory, due, reason)
            memory.now, memory.wall = memory.now + 300, memory.wall + 300
    return said, instance.called()


def test_eight_idle_hours_with_never_cost_few_calls(instance: Instance) -> None:
    instance.tag("never")
    said, calls = ticks(instance, 8)
    assert {line.split(" s, ")[1] for line in said[13:]} == {"no limit (tag): keep"}
    assert set(calls) == {LIST_TAGS}
    assert 6 <= len(calls) <= 10


def test_eight_busy_hours_cost_no_call(instance: Instance, jupyter: Jupyter) -> None:
    jupyter.lists["sessions"] = BUSY
    assert ticks(instance, 8) == (["teams/fraud/train.ipynb is computing: keep"] * 96, [])


def test_a_tag_that_cannot_be_read_is_not_asked_for_each_time(
    instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    instance.aws(listing="exit 255")
    _said, calls = ticks(instance, 8, limit=0)
    assert 6 <= len(calls) <= 10
    assert capsys.readouterr().out.count("tag not readable: ") == len(calls)


def test_a_tag_that_is_shorter_works_from_the_first_idle_period_on(instance: Instance) -> None:
    instance.tag("600")
    said, calls = ticks(instance, 1)
    stops = [line for line in said if line.endswith(": stop")]
    assert stops[0] == "idle 900 s > 600 s (tag): stop"
    assert calls[:3] == [LIST_TAGS, LIST_TAGS, STOP]


def test_each_instance_has_a_pause_of_its_own() -> None:
    pauses = {autostop.Memory(0, 0).pause for _ in range(50)}
    assert len(pauses) > 10
    assert min(pauses) >= 3300
    assert max(pauses) < 4600
