# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python -m datalab_state save-all | list | install: commands for the machine; people use %restore and %state."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import settings as _settings
from .place import Refused


def main() -> int:
    parser = argparse.ArgumentParser(prog="datalab_state", description="State of notebooks")
    commands = parser.add_subparsers(dest="command", required=True)
    save_all = commands.add_parser("save-all", help="ask every kernel to save, and print the outcome")
    save_all.add_argument("--seconds", type=float, default=50, help="the time for all kernels together (default: 50)")
    listed = commands.add_parser("list", help="list what is saved")
    listed.add_argument("--json", action="store_true")
    install = commands.add_parser(
        "install", help="make the kernels of this instance load the extension, and save before a stop"
    )
    install.add_argument("run", type=Path, help="the program that the on-start script has unpacked")
    install.add_argument("systemd", type=Path, help="the directory of systemd's runtime units")
    install.add_argument("owner")
    install.add_argument("options", nargs="*", metavar="NAME=VALUE", help="DATALAB_STATE_NAME=VALUE for kernels")
    options = parser.parse_args()
    if options.command == "install":
        from . import machine

        machine.install(options.run, options.systemd, options.owner, options.options)
        return 0
    settings = _settings.read()
    try:
        return _save_all(settings, options.seconds) if options.command == "save-all" else _list(settings, options.json)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1


def _save_all(settings: _settings.Settings, seconds: float) -> int:
    """Print a sentence for each notebook: to stdout if all of it is saved, else to stderr."""
    from . import asking

    answers = asking.ask_all(settings, seconds)
    whole = [is_whole(answer) for answer in answers]
    for answer, well in zip(answers, whole):
        print(said(answer, settings), file=sys.stdout if well else sys.stderr)
    return 0 if all(whole) else 1


def is_whole(answer: dict[str, Any]) -> bool:
    return not any(answer.get(key) for key in ("error", "partly", "lost"))


def said(answer: dict[str, Any], settings: _settings.Settings) -> str:
    """Return a sentence on what was saved of a notebook, and what was not."""
    notebook = answer["notebook"]
    if "error" in answer:
        what = "computes" if answer.get("busy") else f"was not saved ({answer['error'].rstrip('.')})"
        return f"{notebook} {what}; {_before(settings, notebook)}."
    line = f"{notebook}: {answer['saved']} saved in {answer['seconds']} s"
    for key, word in (("lost", "without"), ("partly", "in part")):
        if answer[key]:
            line += f"; {word} " + ", ".join(f"{name} ({answer['why'][name]})" for name in answer[key])
    return f"{line}."


def _before(settings: _settings.Settings, notebook: str) -> str:
    from . import journal, listing, place

    try:
        states = journal.states(place.of_notebook(settings.root, notebook))
    except (OSError, ValueError, Refused):
        states = []
    return f"what was saved is of {listing.stamp(states[0].time)}" if states else "nothing of it was saved before"


def _list(settings: _settings.Settings, as_json: bool) -> int:
    from . import listing

    entries = listing.entries(settings)
    for entry in entries if not as_json else ():
        print(listing.line(entry))
    if as_json:
        print(json.dumps(entries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
