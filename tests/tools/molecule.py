# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run molecule's scenarios, two at a time: molecule.py [--keep] [SCENARIO...].

A scenario that this computer cannot run is left out, and a line says so. With CI=true that is a failure, unless nothing
that could be installed would help. --keep leaves the containers of the scenarios, to look at them.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from .collection import BUILD, ROOT
from .reasons import reasons

SCENARIOS = ROOT / "molecule"
WORKERS = 2

# The machine of a scenario: the module of this package that prepares it, and its exception if this computer cannot.
MACHINES = {"nfs": ("virtual_machine", "VirtualMachineError")}
USUAL_MACHINE = ("containers", "ContainersError")

LONGEST_FIRST = ["state", "autostop", "deliver", "efs_down", "data"]


@dataclass(frozen=True)
class Result:
    """How a scenario ended."""

    name: str
    outcome: str
    seconds: float
    output: str

    def __str__(self) -> str:
        """Return a line of the summary."""
        return f"{self.outcome:<7} {self.name:<12} {self.seconds:6.1f} s"


def scenarios() -> list[str]:
    """Return all scenarios, the longest first, so that no long one is left for the end."""
    names = sorted(file.parent.name for file in SCENARIOS.glob("*/molecule.yml"))
    return sorted(names, key=lambda name: LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST))


def missing(machine: tuple[str, str]) -> Exception | None:
    """Prepare the machine, as a scenario by itself would do; return the error if it cannot run here."""
    name, error_name = machine
    module = importlib.import_module(f".{name}", __package__)
    try:
        module.check()
        module.prepare()
    except getattr(module, error_name) as error:
        problem: Exception = error
        return problem
    return None


def run(name: str, keep: bool) -> Result:
    """Run one scenario, from the creation of its containers to their end."""
    state = BUILD / "molecule" / name / "state"
    state.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOLECULE_"))}
    environment |= {
        "ANSIBLE_HOME": str(BUILD / "ansible"),
        "LC_ALL": "C.UTF-8",
        "MOLECULE_COMMAND_BORDERS": "false",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(state),
        "NO_COLOR": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["molecule", "test", "--scenario-name", name, *(["--destroy=never"] if keep else [])]
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    outcome = "FAILED" if done.returncode else "passed"
    return Result(name, outcome, time.monotonic() - started, done.stdout.decode(errors="replace"))


def main() -> int:
    """Run the scenarios of the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the containers")
    parser.add_argument("scenarios", nargs="*", help=", ".join(scenarios()))
    arguments = parser.parse_args()
    names = arguments.scenarios or scenarios()
    if unknown := set(names) - set(scenarios()):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")

    problems = {machine: missing(machine) for machine in {MACHINES.get(name, USUAL_MACHINE) for name in names}}
    outcomes, failed = [], []
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = []
        for name in names:
            if problem := problems[MACHINES.get(name, USUAL_MACHINE)]:
                must_run = os.environ.get("CI") == "true" and type(problem).__name__ != "ProcessorError"
                outcomes.append("FAILED" if must_run else "skipped")
                print(f"{outcomes[-1]:<7} {name}: {problem}", flush=True)
            else:
                runs.append(pool.submit(run, name, arguments.keep))
        for future in as_completed(runs):
            result = future.result()
            outcomes.append(result.outcome)
            if result.outcome == "FAILED":
                failed.append(result)
                print(f"\n{'-' * 30} {result.name} {'-' * 30}\n{result.output}")
            print(result, flush=True)
    counted = [f"{outcomes.count(outcome)} {outcome.lower()}" for outcome in ("passed", "FAILED", "skipped")]
    print(f"\n{', '.join(counted)}")
    for result in failed:
        print(f"\n{result.name} has FAILED:", *reasons(result.output), sep="\n")
    return 1 if "FAILED" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
