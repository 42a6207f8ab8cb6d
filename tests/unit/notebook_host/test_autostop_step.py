# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The start sets autostop up as a timer of systemd, and a second start changes nothing."""

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
    """Return when each file of autostop was written."""
    files = [path for path in host.root.rglob("*autostop*") if path.is_file()]
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_the_timers_command_stops_an_idle_instance(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    install(host, scripts["only autostop"]["on-start.sh"].replace('"limit": 3600', '"limit": 5'))
    instance = Instance(host, "", jupyter.port)
    listen(instance, jupyter.port)
    assert rounded(host.run("autostop")).startswith("idle 36,000 s > 5 s (default): stop\n")
    assert instance.called() == [LIST_TAGS, STOP]
    assert "Your files are all here." in host.notice


def install(host: Host, script: str) -> None:
    """Run a start with a systemd that does nothing."""
    prepare(host, "run/systemd/system")
    host.install(script).start()
    assert host.status["autostop"] == "ok"


def listen(instance: Instance, port: int) -> None:
    """Let the installed autostop ask this port, and see the processes and terminals of `instance` only."""
    file = instance.installed / "autostop.py"
    places = {"PROC": repr(str(instance.proc)), "TERMINALS": repr(str(instance.terminals))}
    file.write_text(with_constants(file.read_text(), PORT=port, **places))


def test_settings_reach_autostop(host: Host, scripts: Scripts, jupyter: Jupyter) -> None:
    script = scripts["strict"]["on-start.sh"].replace("STEPS=(", "STEPS=(autostop) # (")
    install(host, script.replace('"no_answer": 7200', '"no_answer": 4000'))
    jupyter.lists["kernels"] = [kernel(90_000, connections=1)]
    instance = Instance(host, "", jupyter.port)
    listen(instance, jupyter.port)
    assert host.run("autostop", "--dry-run") == "python3 is open in a browser: keep\n"
    jupyter.lists["kernels"] = []
    assert '"autostop": "observe"' in host.run("autostop")
    assert instance.called() == [LIST_TAGS]
    listen(instance, 1)
    assert host.run("autostop", "--dry-run").endswith(" <= 4,000 s (no answer): keep\n")


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


def test_without_systemd_there_is_a_notice(host: Host, scripts: Scripts) -> None:
    host.install(scripts["only autostop"]["on-start.sh"]).start()
    assert host.status == {"autostop": "failed"}
    assert "please stop it when you are done" in host.notice
