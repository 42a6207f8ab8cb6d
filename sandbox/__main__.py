# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python -m sandbox start|stop|status|reset."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .process import NotStartedError, find, start, stop
from .state import StateDir

if TYPE_CHECKING:
    from .client import Sandbox

NOT_RUNNING = 3
UNWANTED = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}  # they conflict with the keys that we set
EPILOG = """\
A notebook instance stays in Pending, Stopping, Updating and Deleting for --transition-seconds each.
With the tag "sandbox:fail" it ends in Failed instead of InService, and the tag's value is its FailureReason.
If it is created with the tag "sandbox:platform", it has that OS, even a retired one.
GET /sandbox/calls counts the AWS calls by operation, DELETE /sandbox/calls resets the count.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command that the command line names."""
    args = parse(argv)
    state = StateDir(args.state_dir)
    sandbox = find(state)
    if args.command == "start":
        return run_start(state, sandbox, args.port, args.transition_seconds)
    if args.command == "stop":
        stop(state)
        return 0
    if sandbox is None:
        print("The sandbox is not running.")
        return NOT_RUNNING
    if args.command == "reset":
        sandbox.reset()
    else:
        show_status(sandbox)
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="AWS played on this machine.", epilog=EPILOG, formatter_class=formatter
    )
    parser.add_argument("command", choices=["start", "stop", "status", "reset"])
    parser.add_argument(
        "--state-dir", type=Path, default=Path("build/sandbox"), help="for endpoint, process id and log"
    )
    parser.add_argument("--port", type=int, default=5566, help="if it is in use, another port is taken")
    parser.add_argument("--transition-seconds", type=float, default=0.5, help="0: no transitional states")
    return parser.parse_args(argv)


def run_start(state: StateDir, sandbox: Sandbox | None, port: int, transition_seconds: float) -> int:
    """Start the server unless it runs, and print how to use it."""
    already = sandbox is not None
    if sandbox is None:
        try:
            sandbox = start(state, port, transition_seconds)
        except NotStartedError as error:
            sandbox, already = find(state), True  # another process may have been faster
            if sandbox is None:
                print(error, file=sys.stderr)
                return 1
    settings = ", with the settings that it was started with" if already else ""
    print(f"# The sandbox is {'already ' if already else ''}running at {sandbox.endpoint}{settings}. To use it:")
    for name in UNWANTED & os.environ.keys():
        print(f"unset {name}")
    for name, value in sandbox.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def show_status(sandbox: Sandbox) -> None:
    """Print the endpoint, and the number of notebook instances in each status."""
    print(f"The sandbox is running at {sandbox.endpoint}.")
    instances = sandbox.status()["instances"]
    print("Notebook instances: " + (", ".join(f"{n} {status}" for status, n in instances.items()) or "none"))


if __name__ == "__main__":
    sys.exit(main())
