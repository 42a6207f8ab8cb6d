# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run checks, which are targets of the Makefile, side by side: checks.py TARGET..."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from .reasons import reasons


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    name: str
    passed: bool
    seconds: float
    output: str

    def __str__(self) -> str:
        """Return a line of the summary."""
        return f"{'passed' if self.passed else 'FAILED'}  {self.name:<16} {self.seconds:6.1f} s"


def run(name: str) -> Result:
    """Run one check; its own make must not look for the job server of the outer one."""
    environment = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    started = time.monotonic()
    done = subprocess.run(
        ["make", "--no-print-directory", name],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Result(name, done.returncode == 0, time.monotonic() - started, done.stdout.decode(errors="replace"))


def report(result: Result) -> None:
    """Print the result of a check as soon as it ends; if it failed, print all of its output, too."""
    if not result.passed:
        print(f"\n{'-' * 30} {result.name} {'-' * 30}\n{result.output}")
    print(result, flush=True)


def to_be_seen(output: str) -> list[str]:
    """Return the last lines of pytest and molecule.py, and those about what was proved, seen or left out."""
    closing = r"=+ .*\bin [\d.]+s.* =+|\d+ passed, \d+ failed, \d+ skipped"
    proved = r"[\d,]+ (?:decisions|broken policies)\b.*"
    seen = r"\| .* \|"
    return re.findall(rf"^(?:{closing}|{proved}|{seen}|skipped .*|SKIPPED .*)$", output, re.MULTILINE)


def main(names: list[str]) -> int:
    """Run the checks in this order, as many at a time as there are processors; sum up."""
    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = {}
        for future in as_completed([pool.submit(run, name) for name in names]):
            results[future.result().name] = future.result()
            report(future.result())
    failed = [name for name in names if not results[name].passed]
    print(f"\n{len(names) - len(failed)} of {len(names)} checks passed in {time.monotonic() - started:.0f} s")
    for name in names:
        print(results[name])
    for name in names:
        if lines := to_be_seen(results[name].output):
            print(f"\n{name}:", *lines, sep="\n")
    for name in failed:
        print(f"\n{name} has FAILED:", *reasons(results[name].output), sep="\n")
    if failed:
        print(f"\nTo repeat what failed: make {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
