# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test in the sandbox, or an account, if AWS is as we believe: make conformance [AWS=profile CONFIRM=account]."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore
from botocore.exceptions import BotoCoreError, ClientError

from sandbox import running

from . import checks, inside  # noqa: F401  # they fill the table
from .account import INSTANCE_TYPE, MARK, NAME, PATH, Account, new_name
from .page import as_docs, as_json, as_markdown, counted, masked
from .run import Result, Run, lead, unasked

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "conformance.md"
RESULTS = ROOT / "build" / "conformance"
CENTS = "10"
TRANSITION_SECONDS = 3.0  # of the sandbox; long enough to test what an instance refuses meanwhile
REMOVAL_SECONDS = 600.0
PAUSE_AWS, PAUSE_SANDBOX = 5.0, 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PLAN = f"""\
This run creates, in the account that CONFIRM names, in {{region}}, all with the name {{run}} and the tag {MARK}:
  one {INSTANCE_TYPE} with a volume of 5 GB, later 6, and its lifecycle configuration
  two roles in {PATH}, a VPC with a subnet and a security group, streams of logs
It takes 15 to 20 minutes and costs less than {CENTS} cents. All is removed at the end, also after Ctrl-C.
If this process is killed, an instance that is left costs about 1.50 USD a day. This removes it:
  make conformance AWS={{profile}} CONFIRM=<account id> REMOVE={{run}}
"""


class Interrupted(BaseException):
    """The arrival of a signal; not an Exception, since botocore would repeat a call that ends in one."""


class Signals:
    """A signal handler: the first signal ends the tests; later ones, or during the removal, only print a message."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.late, self.came, self._say = False, "", say

    def __call__(self, number: int, frame: Any) -> None:
        if self.late:
            self._say("The resources of the run are being removed; please wait.")
            return
        self.late, self.came = True, signal.Signals(number).name
        raise Interrupted(self.came)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals during the block; restore the previous handlers afterwards."""
        before = {number: signal.signal(number, self) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def conduct(run: Run, patience: float) -> tuple[str, list[str]]:
    """Lead a run and remove what it has created; return why it ended early, or "", and what is left."""
    signals, ended, left = Signals(run.say), "", ["not known"]
    with signals.caught():
        try:
            try:
                lead(run)
            finally:
                signals.late = True
        except (Exception, Interrupted) as error:  # noqa: BLE001  # whatever it is, what was made is removed, and the results are told
            # Python changes the message of an exception that is raised within a codec.
            ended = f"Interrupted: {signals.came}" if signals.came else masked(f"{type(error).__name__}: {error}")
            run.say(f"The run ends early. {ended}")
        finally:
            run.say("==> Remove what was created")
            left = run.account.remove(patience, run.pause, lambda text: run.say(f"    {text}"))
    return ended, left


def sayer() -> Callable[[str], None]:
    """Return a function that prints a line with the time since this call."""
    began = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        with suppress(OSError):  # if nobody reads the output, still clean up the account
            print(f"{minutes:2}:{seconds:02} {masked(text)}", flush=True)

    return say


def report(run: Run, ended: str, left: list[str]) -> list[Result]:
    """Write the results as Markdown and JSON, and print a summary; return all results."""
    results = run.results + unasked(run)
    about = {
        "asked": f"AWS in {run.account.region}" if run.account.is_aws else "the sandbox",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "minutes": f"{run.elapsed() / 60:.1f}",
        "botocore": botocore.__version__,
        "ended early": ended or "no",
        "left": ", ".join(left) or "nothing",
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    for suffix, write in {"md": as_markdown, "json": as_json}.items():
        (RESULTS / f"results.{suffix}").write_text(write(results, about), encoding="utf-8")
    for result in results:
        if result.outcome == "differs":
            print(f"differs: {result.assumption.name}: {masked(result.seen)}")
    print(f"{counted(results)}; left in the account: {', '.join(left) or 'nothing'}")
    print("Written to build/conformance/results.md and results.json")
    return results


def ask_sandbox(endpoint: str | None) -> int:
    """Test the sandbox at the endpoint; without an endpoint, test a new one and update docs/conformance.md."""
    session = boto3.Session("sandbox", "local-only", region_name="eu-central-1")
    if endpoint:
        return finish(*ask(Account(session, new_name(), endpoint), PAUSE_SANDBOX))
    with running(transition_seconds=TRANSITION_SECONDS) as sandbox:
        results, good = ask(Account(session, new_name(), sandbox.endpoint), PAUSE_SANDBOX)
    page = docs(results)
    if good and (not DOCS.exists() or DOCS.read_text(encoding="utf-8") != page):
        DOCS.write_text(page, encoding="utf-8")
        print("docs/conformance.md was outdated, and has been updated.")
        return 1
    return finish(results, good)


def docs(results: list[Result]) -> str:
    """Return the page docs/conformance.md."""
    return as_docs(results, cents=CENTS, instance_type=INSTANCE_TYPE, path=PATH, mark=MARK)


def ask(account: Account, pause: float) -> tuple[list[Result], bool]:
    """Test an account; return the results, and whether the run reached its end and left nothing."""
    run = Run(account, pause, sayer())
    ended, left = conduct(run, REMOVAL_SECONDS)
    return report(run, ended, left), not ended and not left


def finish(results: list[Result], good: bool) -> int:
    """Return the exit code."""
    return 0 if good and all(result.outcome != "differs" for result in results) else 1


def ask_aws(profile: str, confirm: str, remove: str) -> int:
    """Test an account, or remove what a run has left there, if it is the account that was named."""
    if not re.fullmatch(r"\d{12}", confirm):
        return refuse("CONFIRM must be the id of the account, 12 digits: it pays for what the run creates there.")
    if remove and not NAME.fullmatch(remove):
        return refuse("REMOVE must be the name of a run, as a run prints it and its roles have it.")
    session = boto3.Session(profile_name=profile)
    if not session.region_name:
        return refuse(f"The profile {profile} has no region; set one: aws configure set region … --profile {profile}")
    account = Account(session, remove or new_name())
    if account.id != confirm:
        return refuse(f"CONFIRM is not the account of the profile {profile}. Nothing was created.")
    pause = PAUSE_AWS if account.is_aws else PAUSE_SANDBOX
    if remove:
        left = account.remove(REMOVAL_SECONDS, pause, sayer())
        print(f"Left of {remove}: {', '.join(left) or 'nothing'}")
        return 1 if left else 0
    print(PLAN.format(region=account.region, run=account.run, profile=profile), flush=True)
    for run in account.earlier_runs():
        print(f"An earlier run has left something, unless it still runs. To remove it, add REMOVE={run}")
    return finish(*ask(account, pause))


def refuse(text: str) -> int:
    """Print why nothing is done; return the exit code."""
    print(text, file=sys.stderr)
    return 2


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--endpoint", help="the endpoint of a running sandbox")
    parser.add_argument("--profile", help="the profile of an account of AWS")
    parser.add_argument("--confirm", default="", help="the id of this account")
    parser.add_argument("--remove", default="", help="only remove the resources that the run of this name has left")
    args = parser.parse_args()
    if args.profile is None:
        return ask_sandbox(args.endpoint)
    if not args.profile:
        return refuse("AWS must be the name of a profile, such as aws configure list-profiles shows.")
    try:
        return ask_aws(args.profile, args.confirm, args.remove)
    except (BotoCoreError, ClientError) as error:
        return refuse(masked(f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    sys.exit(main())
