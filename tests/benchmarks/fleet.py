# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cost of a run that has nothing to do, and of one that creates a hundred instances.

Seconds are those of the ansible-playbook process and its children; the CPU time of the sandbox is not counted.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox import Sandbox, running

from .inventory import write_inventory
from .relay import relay_before

PLAYBOOKS = Path(__file__).parent / "playbooks"
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
PROFILED = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}
PENDING = 30  # seconds that a new instance takes to start
HELD = 0.1  # seconds by which some runs delay each call, to make it take as long as one to AWS

# The runs that are measured on a converged platform: the playbook and its arguments.
CONVERGED = {
    "site": ("site",),
    "fleet": ("fleet",),
    "status": ("status",),
    "user -l": ("user", "-l", "person0"),
    "start -l": ("start", "-l", "person0"),
}


def play(playbook: str, inventory: Path, sandbox: Sandbox, *arguments: str) -> dict[str, Any]:
    """Run a playbook and return its wall and CPU seconds, the API calls that it made, and its longest tasks."""
    sandbox.reset_calls()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [str(ANSIBLE_PLAYBOOK), playbook, "-i", str(inventory), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **sandbox.environment, **PROFILED}, capture_output=True, text=True, check=False
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
        "tasks": longest_tasks(done.stdout),
        "changed": any("changed=0" not in line for line in done.stdout.splitlines() if "changed=" in line),
    }


def longest_tasks(output: str) -> dict[str, float]:
    """Return the seconds of the longest tasks by name, as the callback profile_tasks prints them after the recap."""
    lines = re.findall(r"^(?:[\w.]+ : )?(.+?) -+ +([\d.]+)s$", output.partition("TASKS RECAP")[2], re.MULTILINE)
    tasks: dict[str, float] = {}
    for name, seconds in lines:  # tasks of the same name, in two roles or run twice, are added up
        tasks[name] = round(tasks.get(name, 0) + float(seconds), 2)
    return dict(sorted(tasks.items(), key=lambda item: -item[1]))


def measure_people(people: int, with_loop: bool) -> dict[str, Any]:
    """Create the instances of this many people, then measure runs that have nothing to do."""
    with running(transition_seconds=0) as sandbox, tempfile.TemporaryDirectory() as directory:
        inventory = write_inventory(Path(directory), people, sandbox.endpoint)
        figures = {"site_first": play("datalab.notebooks.site", inventory, sandbox)}
        figures |= measure_converged(inventory, sandbox)
        with relay_before(sandbox.endpoint, HELD) as endpoint:
            held = write_inventory(Path(directory), people, endpoint)
            figures |= {f"{name}, held": each for name, each in measure_converged(held, sandbox).items()}
        inventory = write_inventory(Path(directory), people, sandbox.endpoint)
        play(str(PLAYBOOKS / "module.yml"), inventory, sandbox)  # it leaves its own marks of what it has verified
        figures["module"] = play(str(PLAYBOOKS / "module.yml"), inventory, sandbox)
        if with_loop:
            figures["loop"] = play(str(PLAYBOOKS / "loop.yml"), inventory, sandbox)
    for name, figure in figures.items():
        show(f"{people:5} people  {name:14}", figure)
        if name != "site_first" and figure["changed"]:
            sys.exit(f"{name} changed something; it was to find everything as it should be")
    return figures


def measure_converged(inventory: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Measure what people run every day, when there is nothing to do."""
    return {
        name: play(f"datalab.notebooks.{playbook}", inventory, sandbox, *arguments)
        for name, (playbook, *arguments) in CONVERGED.items()
    }


def show(what: str, figure: dict[str, Any]) -> None:
    """Print a line of figures."""
    wall, cpu, calls = figure["wall_seconds"], figure["cpu_seconds"], figure["api_calls"]
    print(f"{what} {wall:8.1f} s wall {cpu:8.1f} s CPU {calls:6} API calls", flush=True)


def measure_new() -> dict[str, Any]:
    """Measure one new instance, then 98, each of which takes PENDING seconds to start."""
    figures = {}
    with running(transition_seconds=0) as sandbox, tempfile.TemporaryDirectory() as directory:
        play("datalab.notebooks.site", write_inventory(Path(directory), 1, sandbox.endpoint), sandbox)
        sandbox.set_transition_seconds(PENDING)
        for before, people in ((1, 2), (2, 100)):
            inventory = write_inventory(Path(directory), people, sandbox.endpoint)
            figures[str(people - before)] = play("datalab.notebooks.fleet", inventory, sandbox)
            show(f"{people - before:5} new     {'fleet':10}", figures[str(people - before)])
    return figures


def measure() -> dict[str, Any]:
    """Measure the fleet with 10, 100 and 1,000 people, a loop over 100 people, and new instances."""
    results: dict[str, Any] = {str(people): measure_people(people, people == 100) for people in (10, 100, 1000)}
    module, loop = results["100"]["module"], results["100"]["loop"]
    ratios = {key: round(loop[key] / module[key], 1) for key in ("wall_seconds", "cpu_seconds", "api_calls")}
    results["loop_to_module_at_100"] = ratios
    print(
        f"100 people, one task each, cost {ratios['wall_seconds']} times the wall time, "
        f"{ratios['cpu_seconds']} times the CPU time and {ratios['api_calls']} times the API calls of the module."
    )
    print("Where the time of fleet.yml goes with 1,000 people:")
    for task, seconds in list(results["1000"]["fleet"]["tasks"].items())[:8]:
        print(f"{seconds:8.1f} s  {task}")
    results["new"] = measure_new()
    one, many = results["new"]["1"], results["new"]["98"]
    results["98_new_to_1"] = round(many["wall_seconds"] / one["wall_seconds"], 2)
    print(f"98 new instances took {results['98_new_to_1']} times as long as one.")
    return results
