# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the start sets autostop up: a timer of systemd, or cron, and nothing new at the second start."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    LIST_TAGS,
    STOP,
    Instance,
    Jupyter,
    kernel,
    rounded,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host

Scripts = dict[str, dict[str, str]]


def prepare(host: Host, *directories: str) -> None:
    for directory in directories:
        (host.root / directory).mkdir(parents=True)


def times(host: Host) -> dict[str, int]:
    """When each file of autostop was written."""
    files = [path for path in host.root.rglob("*autostop*") if path.is_file()]
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_without_systemd_cron_runs_what_the_start_installed(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    prepare(host, "etc/cron.d")
    script = scripts["only autostop"]["on-start.sh"].replace("IDLE_LIMIT=3600", "IDLE_LIMIT=5")
    host.install(script).start()
    assert host.status == {"autostop": "ok"}
    before = times(host)
    host.start()
    assert times(host) == before
    line = (host.root / "etc/cron.d/datalab-autostop").read_text()
    *when, _user, timeout, seconds, program, function = line.split(" 2>&1 | logger ")[0].split()
    assert (" ".join(when), timeout, seconds) == ("*/5 * * * *", "timeout", "900")
    assert program == str(host.root / "usr/local/libexec/datalab/run")
    instance = Instance(host, jupyter.address)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    state = host.root / "var/lib/datalab/autostop.json"
    state.write_text(json.dumps({"now": now, "active": now - 36_000, "looked": now - 300}))
    paths = [f"--metadata={instance.metadata}", f"--jupyter={jupyter.address}", f"--proc={instance.proc}"]
    assert rounded(host.run(function, *paths)) == "idle 36,000 s > 5 s (default): stop\n"
    assert instance.called() == [LIST_TAGS, STOP]
    assert "Your files are all here." in host.notice


def test_settings_reach_autostop(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    prepare(host, "etc/cron.d")
    script = scripts["strict"]["on-start.sh"].replace("STEPS=(", "STEPS=(autostop) # (")
    host.install(script.replace("NO_ANSWER_LIMIT=7200", "NO_ANSWER_LIMIT=77")).start()
    jupyter.lists["kernels"] = [kernel(90_000, connections=1)]
    instance = Instance(host, jupyter.address)
    options = [f"--metadata={instance.metadata}", f"--proc={instance.proc}", "--dry-run"]
    at_jupyter = [*options, f"--jupyter={jupyter.address}"]
    assert host.run("autostop", *at_jupyter) == "python3 is open in a browser: keep\n"
    assert host.run("autostop", *options, "--jupyter=localhost:1").endswith(" <= 77 s (default): keep\n")


def test_with_systemd_a_timer_runs_it_every_five_minutes(host: Host, scripts: Scripts) -> None:
    prepare(host, "run/systemd/system", "etc/systemd/system")
    calls = host.stub("systemctl")
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    units = host.root / "etc/systemd/system"
    timer = (units / "datalab-autostop.timer").read_text().splitlines()
    service = (units / "datalab-autostop.service").read_text().splitlines()
    assert {"OnUnitActiveSec=300", "RandomizedDelaySec=20"} <= set(timer)
    assert {f"ExecStart={host.root}/usr/local/libexec/datalab/run autostop", "TimeoutStartSec=900"} <= set(service)
    assert calls.read_text() == "daemon-reload\nstart|datalab-autostop.timer\n"
    before = times(host)
    calls.unlink()
    host.start()
    assert host.status == {"autostop": "ok"}
    assert times(host) == before
    assert calls.read_text() == "start|datalab-autostop.timer\n"
    (units / "datalab-autostop.timer").write_text("[Timer]\nOnUnitActiveSec=7\n")
    calls.unlink()
    host.start()
    assert (units / "datalab-autostop.timer").read_text().splitlines() == timer
    assert calls.read_text().splitlines()[0] == "daemon-reload"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed: apt-get install systemd"
)
def test_systemd_understands_the_units(host: Host, scripts: Scripts) -> None:
    prepare(host, "run/systemd/system", "etc/systemd/system")
    host.stub("systemctl")
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    units = [str(path) for path in (host.root / "etc/systemd/system").iterdir()]
    assert len(units) == 2
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "datalab-autostop" in line] == []


def test_without_a_clock_there_is_a_notice(host: Host, scripts: Scripts) -> None:
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert host.status == {"autostop": "failed"}
    assert "please stop it when you are done" in host.notice
