# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame of the script, run by bash: steps do not disturb each other, and report their results."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, wait_for

Scripts = dict[str, dict[str, str]]


@pytest.fixture
def tried(host: Host, scripts: Scripts) -> Host:
    """An instance with steps that work, fail, hang and explain themselves."""
    return host.install(scripts["trial of the frame"]["on-start.sh"], STEP_LIMIT=1)


def test_a_step_that_fails_or_hangs_does_not_keep_others_from_working(tried: Host) -> None:
    begin = time.monotonic()
    output = tried.start()
    assert time.monotonic() - begin < 10
    assert (tried.volume / "done").read_text() == "works\nstill_works\n"
    assert tried.status == {
        "works": "ok",
        "fails": "failed",
        "hangs": "timeout",
        "explains": "failed",
        "still_works": "ok",
    }
    assert "it fails" in output
    assert "needed: No such file" in output


def test_a_step_that_hangs_is_ended_with_all_that_it_started(tried: Host) -> None:
    tried.start()
    hanging = Path("/proc") / (tried.volume / "hanging").read_text().strip()
    wait_for(lambda: not hanging.exists() or "State:\tZ" in (hanging / "status").read_text())


def test_the_notice_names_what_does_not_work(tried: Host) -> None:
    tried.start()
    assert "- Nobody has been to the moon lately.\n" in tried.notice
    log = tried.volume / ".datalab/on-start.log"
    for step, result in (("fails", "failed"), ("hangs", "timeout")):
        assert f"- The step {step} of the start did not work ({result}). If this stays, please show" in tried.notice
    assert f"your platform team {log}.\n" in tried.notice
    assert "works of" not in tried.notice
    assert tried.notice.count("\n- ") == 3


def test_the_log_says_what_is_printed(tried: Host) -> None:
    for _ in range(2):
        output = tried.start()
        assert (tried.volume / ".datalab/on-start.log").read_text() == output
    assert re.search(r"works: ok \(0\) after \d s\n  it works\n", output)


def test_the_status_file_has_times_and_exit_statuses(tried: Host) -> None:
    tried.start()
    status = json.loads((tried.volume / ".datalab/status.json").read_text())
    assert abs(time.time() - time.mktime(time.strptime(status["finished"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60
    assert [step["status"] for step in status["steps"]] == [0, 1, 124, 7, 0]
    assert status["steps"][2]["seconds"] in range(1, 7)


def test_hanging_files_on_the_volume_delay_a_start_by_seconds_only(host: Host, scripts: Scripts) -> None:
    host.stub("flock", "trap '' TERM; sleep 1000")
    begin = time.monotonic()
    host.install(scripts["trial of the frame"]["on-start.sh"], STEP_LIMIT=1, VOLUME_LIMIT=1).start()
    assert time.monotonic() - begin < 30
    assert (host.volume / "done").read_text() == "works\nstill_works\n"


def test_steps_for_which_there_is_no_time_are_left_out(host: Host, scripts: Scripts) -> None:
    host.install(scripts["trial of the frame"]["on-start.sh"], START_LIMIT=0).start()
    assert set(host.status.values()) == {"timeout"}
    assert not (host.volume / "done").exists()


def test_a_repaired_step_leaves_the_notice(tried: Host) -> None:
    tried.start()
    (tried.volume / "needed").touch()
    tried.start()
    assert tried.status["fails"] == "ok"
    assert "The step fails" not in tried.notice
    assert "The step hangs" in tried.notice
    for name in ("hangs", "explains"):
        assert tried.notice
        tried.run("notice", name)
    assert not (tried.volume / "PLATFORM-STATUS.md").exists()


def test_a_notice_that_is_not_new_is_no_failure(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"]).start()
    host.run("notice", "same", "Still the same.")
    host.run("notice", "same", "Still the same.", expect=0)
    assert "- Still the same.\n" in host.notice


def test_a_new_notice_makes_no_file_for_a_moment(host: Host, scripts: Scripts) -> None:
    """Jupyter may be listing the folder at that moment, and fails if a file disappears."""
    host.install(scripts["no steps"]["on-start.sh"]).start()
    host.run("notice", "space", "Your volume is 91 % full.")
    before = host.volume.stat().st_mtime_ns
    host.run("notice", "space", "Your volume is 92 % full.")
    assert "92 %" in host.notice
    assert host.volume.stat().st_mtime_ns == before


def test_why_an_instance_was_stopped_is_said_at_the_next_start_only(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"]).start()
    assert host.notice == ""
    status = host.volume / ".datalab/status.json"
    status.write_text("{}")
    os.utime(status, (0, 0))  # of a start that was long ago
    host.run("notice", "stopped", "Stopped, since it was idle.")
    host.start()
    assert host.notice == "# About this instance\n\n- Stopped, since it was idle.\n"  # no problem is mentioned
    host.start()
    assert host.notice == ""


def test_a_second_start_changes_nothing(tried: Host) -> None:
    tried.start()
    (tried.volume / "done").unlink()
    (tried.volume / "hanging").unlink()
    first = tried.tree()
    tried.start()
    (tried.volume / "done").unlink()
    (tried.volume / "hanging").unlink()
    assert tried.tree() == first


def test_a_strict_start_fails_with_its_steps(host: Host, scripts: Scripts) -> None:
    strict = scripts["strict"]["on-start.sh"]
    assert strict.endswith(' && "$run" start\n')
    host.install(strict.replace("STEPS=(", "STEPS=(nothing_like_it "), STEP_LIMIT=5)
    host.stub("curl", "exit 6")
    host.start(expect=1)


def test_an_instance_without_its_owner_starts_all_the_same(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"], OWNER="nobody_of_that_name").start()


def test_detached_work_outlives_the_start_and_holds_nothing_of_it(host: Host, scripts: Scripts) -> None:
    host.install(scripts["trial of detach"]["on-start.sh"])
    # Act as an agent that reads the output to its end, and then ends its child processes.
    reading, writing = os.pipe()
    agent = subprocess.Popen(
        ["bash", str(host.script)],
        cwd="/",
        env={},
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        start_new_session=True,
    )
    os.close(writing)
    assert agent.wait(20) == 0
    os.set_blocking(reading, False)  # so that reading fails if a process could still write
    with os.fdopen(reading, "rb") as output:
        assert b"detaches: ok" in b"".join(iter(lambda: os.read(output.fileno(), 65536), b""))
    assert not (host.volume / "outlived").exists()
    subprocess.run(["pkill", "--session", str(agent.pid)], check=False)
    (host.volume / "go").touch()
    wait_for((host.volume / "open").exists)
    assert (host.volume / "outlived").read_text() == "it's mine\n"
    assert "pipe:" not in (host.volume / "open").read_text()


def test_with_systemd_detached_work_is_a_unit_of_its_own(host: Host, scripts: Scripts) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    active = host.stub("systemctl", "exit 3")
    started = host.stub("systemd-run")
    host.install(scripts["trial of detach"]["on-start.sh"]).start()
    run = host.root / "usr/local/libexec/datalab/run"
    assert active.read_text() == "is-active|--quiet|datalab-test\n"
    options = "--quiet|--collect|--property=KillMode=process|--unit=datalab-test"
    assert started.read_text() == f"{options}|{run}|outlives|it's mine\n"
    host.stub("systemctl")
    host.start()
    assert len(started.read_text().splitlines()) == 1


def test_notices_at_the_same_time_do_not_bring_back_what_is_over(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"]).start()
    host.run("notice", "old", "This is over soon.")
    # This `cat` is slow, so that a notice is withdrawn between the reading and the writing of notices.
    host.stub("cat", '/usr/bin/env PATH=/usr/bin:/bin cat "$@"; status=$?; [ $# = 1 ] && sleep 1; exit $status')
    slow = threading.Thread(target=host.run, args=("publish",))
    slow.start()
    wait_for((host.stubs / "cat.calls").exists)
    (host.stubs / "cat").unlink()
    host.run("notice", "old")
    slow.join()
    assert host.notice == ""


def test_a_full_volume_costs_no_file_what_is_in_it(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"]).start()
    file = host.volume / "file"
    run = host.root / "usr/local/libexec/datalab/run"
    full = "trap '' XFSZ; ulimit -f 0"  # nothing can be written
    for before, limit, status, after in [
        (None, full, 1, None),
        (None, "true", 0, "new"),
        ("old", full, 1, "old"),
        ("old", "true", 0, "new"),
        ("new", full, 1, "new"),
    ]:
        file.unlink(missing_ok=True)
        if before:
            file.write_text(before)
        command = ["bash", "-c", f'{limit}; exec "$@"', "-", str(run), "put", str(file)]
        done = subprocess.run(command, input="new", text=True, check=False, capture_output=True)
        assert done.returncode == status, done.stderr
        assert (file.read_text() if file.exists() else None) == after
        assert not list(host.volume.glob(".new*"))


@pytest.mark.parametrize(
    ("space", "files", "told"),
    [(89, 89, ""), (90, 1, "is 90 % full"), (5, 97, "is 97 % full"), (100, 100, "is 100 % full"), (9, 8, "")],
)
def test_a_volume_that_is_nearly_full_is_told(space: int, files: int, told: str, host: Host, scripts: Scripts) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.stub("systemctl")
    host.stub("df", f"printf 'Use%% IUse%%\\n {space}%%  {files}%%\\n'")
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert told in host.notice
    assert bool(host.notice) == bool(told)
    host.stub("df", "echo 'Use% IUse%'; echo ' 10%     -'")  # some file systems do not count files
    host.run("autostop", "--dry-run")
    assert host.notice == ""


def test_a_terminal_says_what_there_is_to_say(host: Host, scripts: Scripts) -> None:
    host.install(scripts["no steps"]["on-start.sh"]).start()
    profile = host.root / "etc/profile.d/datalab-status.sh"
    said = ["bash", "--norc", "-c", f"source {profile}"]

    def terminal(*options: str) -> str:
        return subprocess.run([*said[:2], *options, *said[2:]], check=False, capture_output=True, text=True).stdout

    assert terminal("-i") == ""
    host.run("notice", "mine", "This is new.")
    assert terminal("-i") == host.notice
    assert "- This is new.\n" in host.notice
    assert terminal() == "", "what a program reads stays as it is"
