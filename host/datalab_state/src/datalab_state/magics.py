# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""%restore and %state, the commands for people. Each says what it did, what it could not do, and why."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import Any

from . import listing, place
from .restore import Report
from .session import Session
from .store import size

USAGE = "%state save | list | forget [NOTEBOOK] | run [NAME ... | all]"


class Magics:
    def __init__(self, session: Session) -> None:
        self.session = session

    def restore(self, line: str) -> None:
        """%restore [NOTEBOOK] [-f]: bring back what was saved; -f: also in place of what this session has made."""
        words = _words(line)
        force = "-f" in words
        names = [word for word in words if word != "-f"]
        if len(names) > 1 or any(name.startswith("-") for name in names):
            print("%restore [NOTEBOOK] [-f]")
            return
        begun = time.monotonic()
        try:
            report, older = self.session.restore(self._path(names[0]) if names else "", force=force)
        except (place.Refused, OSError) as error:
            print(error)
            return
        for text in told(report, time.monotonic() - begun):
            print(text)
        if older:
            print("An older state was not restored: %restore once more brings back what is still missing.")

    def state(self, line: str) -> None:
        """%state save | list | forget [NOTEBOOK] | run [NAME ... | all]"""
        command, *names = _words(line) or [""]
        action = getattr(self, f"_{command}", None)
        if command not in ("save", "list", "forget", "run") or action is None:
            print(USAGE)
            return
        try:
            action(names)
        except (place.Refused, OSError) as error:
            print(error)

    def _path(self, name: str) -> str:
        """Return the path of a notebook whose name is relative to this one."""
        beside = Path(self.session.notebook.path).parent if self.session.notebook.path else Path.cwd()
        return os.path.realpath(beside / name)

    def _save(self, _: list[str]) -> None:
        report = self.session.save()
        if "error" in report:
            print(report["error"])
            return
        bytes_, written = size(report["bytes"]), size(report["written"])
        print(f"{_count(report['saved'])} saved in {report['seconds']} s ({bytes_}, {written} of them new).")
        for kind in ("lost", "partly"):
            for name in report[kind]:
                print(f"  {kind}: {name}: {report['why'][name]}")

    def _list(self, _: list[str]) -> None:
        found = listing.entries(self.session.settings)
        for entry in found:
            print(("* " if entry["notebook"] == self.session.notebook.name else "  ") + listing.line(entry))
        if not found:
            print("Nothing is saved.")

    def _forget(self, names: list[str]) -> None:
        name = self._path(names[0]) if names else self.session.notebook.name
        if not self.session.forget(name):
            print(f"Nothing is saved of {name}.")
            return
        more = " It is saved again after its next cell." if name == self.session.notebook.name else ""
        print(f"What was saved of {name} is removed.{more}")

    def _run(self, names: list[str]) -> None:
        state = self.session.shown
        cells = state.cells if state else {}
        if not cells:
            print("No lost variable has to be made again.")
            return
        unknown = [name for name in names if name not in cells and name != "all"]
        if unknown:
            print(f"No cell is known for {', '.join(unknown)}.")
            return
        wanted = cells if not names or "all" in names else {name: cells[name] for name in names}
        for code in dict.fromkeys(wanted.values()):
            made = ", ".join(name for name, cell in wanted.items() if cell == code)
            print(f"# {made}\n{code.rstrip()}\n")
            if names and not self.session.shell.run_cell(code).success:
                return
        if not names:
            print("Nothing was run: `%state run all` runs these cells, `%state run NAME` the cell of one variable.")


def told(report: Report, seconds: float) -> list[str]:
    """Return the lines that report a restore."""
    state = report.state
    lines = [f"{_count(len(report.back))} of {listing.stamp(state.time)} {_are(report.back)} back ({seconds:.1f} s)."]
    lines += [f"  lost: {name}: {why}" for name, why in sorted(report.lost.items())]
    lines += [f"  partly: {name}: {'; '.join(why)}" for name, why in sorted(report.partly.items())]
    if report.kept:
        lines.append(f"  kept from this session (-f restores the saved ones): {', '.join(sorted(report.kept))}")
    lines += [f"  {note}" for note in report.notes]
    if state.cells:
        lines.append("  `%state run` shows the cells that made the lost variables.")
    return lines


def _count(number: int) -> str:
    return "1 variable" if number == 1 else f"{number} variables"


def _are(names: list[Any]) -> str:
    return "is" if len(names) == 1 else "are"


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
