# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command datalab."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .refusal import Refused

FINE, FAULTY, REFUSED = 0, 1, 2


def main(given: list[str] | None = None) -> int:
    """Run the command; after a refusal the exit code is 2."""
    options = parser().parse_args(given)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except Refused as refused:
        tell(
            options, {"refused": [fault.as_dict() for fault in refused.faults]}, f"Refused:\n{refused}", file=sys.stderr
        )
        return REFUSED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "datalab", description="Check, deliver and complete notebooks that others are to read or run."
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add_check(commands)
    add_deliver(commands)
    add_drift(commands)
    add_complete(commands)
    return top


def add(
    commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], ends: str
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text}.", epilog=f"Exit code: {ends}.", allow_abbrev=False
    )
    one.add_argument("--json", action="store_true", help="print the outcome as JSON")
    one.set_defaults(command=run)
    return one


def add_check(commands: Any) -> None:
    ends = "0 if there are no faults, 1 if there are some, 2 if the project cannot be checked"
    one = add(commands, "check", "Say what a project lacks before others can read it; nothing is run", run_check, ends)
    one.add_argument("path", type=Path, help="a folder, or one notebook")


def run_check(options: argparse.Namespace) -> int:
    from . import check  # each command imports only what it needs, since check has to be quick

    faults = check.project(options.path)
    text = "\n".join(map(str, faults)) or f"{options.path}: no faults"
    tell(options, {"faults": [fault.as_dict() for fault in faults]}, text)
    return FAULTY if faults else FINE


def add_deliver(commands: Any) -> None:
    ends = "0 if the project is written and proved to compute the same, 2 if the notebook is refused"
    one = add(commands, "deliver", "Make a notebook a Python project that computes the same", run_deliver, ends)
    one.add_argument("notebook", type=Path)
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("--result", nargs="+", default=[], metavar="NAME", help="the names whose values are the results")
    what.add_argument(
        "--call",
        default="",
        metavar="FUNCTION",
        help="a function to serve: the values that it needs, such as a fitted model, are computed once, when the image"
        " is built; its answers are proved to be those of its calls in the notebook",
    )
    one.add_argument(
        "--out", type=Path, help="the project's folder; the default is NOTEBOOK-project beside the notebook"
    )
    one.add_argument(
        "--as",
        dest="kind",
        choices=["job", "service"],
        default="",
        help="also write a Dockerfile and manifests that run it on Kubernetes",
    )
    one.add_argument(
        "--tolerance",
        nargs="+",
        default=[],
        type=tolerance,
        metavar="NAME=NUMBER",
        help="the relative tolerance of a result",
    )


def tolerance(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    if not 0 <= float(number) < 1:
        raise argparse.ArgumentTypeError(f"{text}: the number must be at least 0 and below 1")
    return name, float(number)


def project_of(options: argparse.Namespace) -> Path:
    return Path(options.out or options.notebook.with_name(f"{options.notebook.stem}-project")).resolve()


def run_deliver(options: argparse.Namespace) -> int:
    from . import deliver
    from .order import Order

    facts = (project_of(options), options.kind, dict(options.tolerance), options.call)
    order = Order(options.notebook, options.result, *facts)
    done = deliver.deliver(order, progress)
    left_out = [{"cell": cell, "what": what} for cell, what in done.left_out]
    said = {"project": str(done.project), "width": done.width.value, "lines": done.lines, "of_lines": done.of_lines}
    lines = [f"{done.project}: {done.lines} of {done.of_lines} lines ({done.width.value}), proved to compute the same"]
    lines += [f"left out, cell {cell}: {what}" for cell, what in done.left_out]
    lines += [f"kept, as you changed it: {name}" for name in done.kept]
    tell(options, {**said, "left_out": left_out, "kept": done.kept}, "\n".join(lines))
    return FINE


def add_drift(commands: Any) -> None:
    ends = "0 if production stays the same, 1 if it changes, 2 if that cannot be told"
    one = add(commands, "drift", "Say what a change of the notebook means for the delivered project", run_drift, ends)
    one.add_argument("notebook", type=Path)
    one.add_argument(
        "--out", type=Path, help="the project's folder; the default is NOTEBOOK-project beside the notebook"
    )
    one.add_argument("--static", action="store_true", help="compare the statements only, and do not run the notebook")


def run_drift(options: argparse.Namespace) -> int:
    from . import drift

    found = drift.find(options.notebook, project_of(options), progress, run=not options.static)
    tell(options, {**asdict(found), "changed": found.any}, str(found))
    return FAULTY if found.any else FINE


def add_complete(commands: Any) -> None:
    ends = "0 if the project is in completed/, 2 if it is refused; then it stays where it was"
    one = add(commands, "complete", "Check a project, run it and move it to completed/", run_complete, ends)
    text = "the folder of a project; without it, finish what an interrupted run left: protection and index"
    one.add_argument("folder", type=Path, nargs="?", help=text)


def run_complete(options: argparse.Namespace) -> int:
    from . import complete

    if options.folder is None:
        here = Path.cwd()
        place = complete.completed(here, [here, *here.parents])
        count = complete.finish(place)
        tell(options, {"index": str(place / "index.html"), "projects": count}, f"{place}: {count} projects")
        return FINE
    done = complete.complete(options.folder, progress)
    lines = [f"{done.project}: completed", *(f"page {path}" for path in done.pages)]
    lines += [f"index {done.project.parent / 'index.html'}, {done.projects} projects"]
    tell(options, {"project": str(done.project), "pages": done.pages, "projects": done.projects}, "\n".join(lines))
    return FINE


def progress(text: str) -> None:
    """Show the progress if stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def tell(options: argparse.Namespace, facts: dict[str, Any], text: str, file: Any = None) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    print(
        json.dumps(facts, indent=1) if options.json else text, file=sys.stdout if options.json else file or sys.stdout
    )


if __name__ == "__main__":
    sys.exit(main())
