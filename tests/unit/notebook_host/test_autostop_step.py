# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the start sets autostop up: a timer of systemd, or cron, and nothing new at the second start."""

from __future__ import annotations

import getpass

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.autostop_parts import (
    LIST_TAGS,
    STOP,
    Instance,
    Jupyter,
    kernel,
    rounded,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, with_constants

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
    instance = Instance(host, "", jupyter.port)
    listen(instance, jupyter.port)
    assert rounded(host.run(function)) == "idle 36,000 s > 5 s (default): stop\n"
    assert instance.called() == [LIST_TAGS, STOP]
    assert "Your files are all here." in host.notice


def listen(instance: Instance, port: int) -> None:
    """Lets the installed autostop ask this port, and see no programs."""
    file = instance.installed / "autostop.py"
    file.write_text(with_constants(file.read_text(), PORT=port, PROC=repr(str(instance.proc))))


def test_settings_reach_autostop(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    prepare(host, "etc/cron.d")
    script = scripts["strict"]["on-start.sh"].replace("STEPS=(", "STEPS=(autostop) # (")
    host.install(script.replace("NO_ANSWER_LIMIT=7200", "NO_ANSWER_LIMIT=77")).start()
    jupyter.lists["kernels"] = [kernel(90_000, connections=1)]
    instance = Instance(host, "", jupyter.port)
    listen(instance, jupyter.port)
    assert host.run("autostop", "--dry-run") == "python3 is open in a browser: keep\n"
    listen(instance, 1)
    assert host.run("autostop", "--dry-run").endswith(" <= 77 s (default): keep\n")


def test_with_systemd_a_timer_runs_it_every_five_minutes(host: Host, scripts: Scripts) -> None:
    prepare(host, "run/systemd/system")
    asked = host.stub("systemctl", "exit 3")
    made = host.stub("systemd-run")
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert host.status == {"autostop": "ok"}
    assert asked.read_text() == "is-active|--quiet|datalab-autostop.timer\n"
    unit, uid, *properties, run, function = made.read_text().strip().split("|")
    assert (unit, uid) == ("--unit=datalab-autostop", f"--uid={getpass.getuser()}")
    assert {"--property=TimeoutStartSec=900", "--on-active=60", "--on-unit-active=300"} <= set(properties)
    assert "--timer-property=RandomizedDelaySec=20" in properties
    assert [run, function] == [str(host.root / "usr/local/libexec/datalab/run"), "autostop"]
    before = times(host)
    host.stub("systemctl")
    host.start()
    assert times(host) == before
    assert len(made.read_text().splitlines()) == 1, "the timer runs already"


def test_without_a_clock_there_is_a_notice(host: Host, scripts: Scripts) -> None:
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert host.status == {"autostop": "failed"}
    assert "please stop it when you are done" in host.notice
