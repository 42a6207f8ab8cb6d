# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a converged run costs.

Seconds are those of the ansible-playbook process and its children; the sandbox beside it is not counted as CPU.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox import Sandbox, running

from .inventory import write_inventory

PLAYBOOKS = Path(__file__).parent / "playbooks"
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def play(playbook: str, inventory: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Runs a playbook and returns its wall and CPU seconds and the API calls that it made."""
    sandbox.reset_calls()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [str(ANSIBLE_PLAYBOOK), playbook, "-i", str(inventory)]
    done = subprocess.run(
        command, env={**os.environ, **sandbox.environment}, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{playbook} failed:\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    calls = sandbox.calls()
    return {
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "api_calls": sum(calls.values()),
        "calls": calls,
        "changed": any("changed=0" not in line for line in done.stdout.splitlines() if "changed=" in line),
    }


def measure_people(people: int, with_loop: bool) -> dict[str, Any]:
    """Creates the instances of so many people, then measures runs that find everything as it should be."""
    with running(transition_seconds=0) as sandbox, tempfile.TemporaryDirectory() as directory:
        inventory = write_inventory(Path(directory), people, sandbox.endpoint)
        figures = {"site_first": play("datalab.notebooks.site", inventory, sandbox)}
        figures["site"] = play("datalab.notebooks.site", inventory, sandbox)
        play(str(PLAYBOOKS / "fleet.yml"), inventory, sandbox)  # leaves its own marks of what it has verified
        figures["fleet"] = play(str(PLAYBOOKS / "fleet.yml"), inventory, sandbox)
        if with_loop:
            figures["loop"] = play(str(PLAYBOOKS / "loop.yml"), inventory, sandbox)
    for name, figure in figures.items():
        wall, cpu, calls = figure["wall_seconds"], figure["cpu_seconds"], figure["api_calls"]
        print(f"{people:5} people  {name:10} {wall:8.1f} s wall {cpu:8.1f} s CPU {calls:6} API calls", flush=True)
        if name != "site_first" and figure["changed"]:
            sys.exit(f"{name} changed something; it was to find everything as it should be")
    return figures


def measure() -> dict[str, Any]:
    """The fleet with 10, 100 and 1,000 people, and a loop over 100."""
    results: dict[str, Any] = {str(people): measure_people(people, people == 100) for people in (10, 100, 1000)}
    fleet, loop = results["100"]["fleet"], results["100"]["loop"]
    ratios = {key: round(loop[key] / fleet[key], 1) for key in ("wall_seconds", "cpu_seconds", "api_calls")}
    results["loop_to_fleet_at_100"] = ratios
    print(
        f"100 people, one task each, cost {ratios['wall_seconds']} times the wall time, "
        f"{ratios['cpu_seconds']} times the CPU time and {ratios['api_calls']} times the API calls of the fleet."
    )
    return results
