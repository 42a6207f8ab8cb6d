# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python -m datalab_state save-all [--seconds N] | list: for the machine; people have %restore and %state."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from . import settings as _settings
from .place import Refused


def main() -> int:
    parser = argparse.ArgumentParser(prog="datalab_state", description="State of notebooks")
    commands = parser.add_subparsers(dest="command", required=True)
    save_all = commands.add_parser("save-all", help="ask every kernel to save, and say what came of it")
    save_all.add_argument("--seconds", type=float, default=50, help="for all of them together (default: 50)")
    listed = commands.add_parser("list", help="what is saved")
    listed.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = _settings.read()
    try:
        return _save_all(settings, options.seconds) if options.command == "save-all" else _list(settings, options.json)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1


def _save_all(settings: _settings.Settings, seconds: float) -> int:
    from . import asking

    answers = asking.ask_all(settings, seconds)
    for answer in answers:
        print(said(answer))
    return 1 if any("error" in answer for answer in answers) else 0


def said(answer: dict[str, Any]) -> str:
    """A line about a notebook."""
    if "error" in answer:
        return f"{answer.get('notebook', '')}: not saved: {answer['error']}"
    line = f"{answer['notebook']}: {answer['saved']} saved in {answer['seconds']} s"
    for key in ("partly", "lost"):
        if answer[key]:
            line += f"; {key}: {', '.join(answer[key])}"
    return line


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
