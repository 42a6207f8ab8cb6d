"""Stops this notebook instance when nobody has used it for a while. A timer runs it every few minutes."""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

TAG = "idle"
TAG_MATTERS_AFTER = 300  # idle seconds; until then the tag is not asked for
NEVER = 0


@dataclass(frozen=True)
class Activity:
    """What Jupyter knows at one moment: what is going on now, and when something last did."""

    busy: str = ""
    last: float = 0


@dataclass(frozen=True)
class Memory:
    """What one tick leaves for the next."""

    first_tick: float
    last_activity: float = 0
    tag: str | None = None


@dataclass(frozen=True)
class Limit:
    """After how many idle seconds to stop, and who says so."""

    seconds: int
    source: str


@dataclass(frozen=True)
class Verdict:
    """What to do, and why."""

    stop: bool
    reason: str


def observe(sessions: Any, kernels: Any, terminals: Any, count_connections: bool) -> Activity:
    """The activity in what Jupyter lists. A session can be without a kernel."""
    named = [{**session["kernel"], "name": session.get("path")} for session in sessions if session.get("kernel")]
    for kernel in named + kernels:
        if kernel.get("execution_state") == "busy":
            return Activity(f"{kernel.get('name')} is computing")
        if count_connections and kernel.get("connections"):
            return Activity(f"{kernel.get('name')} is open in a browser")
    return Activity(last=max((moment(item.get("last_activity")) for item in named + kernels + terminals), default=0))


def moment(timestamp: str | None) -> float:
    """Jupyter's timestamps are in UTC, with or without microseconds."""
    if not timestamp:
        return 0
    return datetime.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def idle_seconds(activity: Activity, memory: Memory, host_start: float, now: float) -> float:
    """Since the last activity or the start, which is the first tick where the host's is that of a larger machine."""
    return max(0, now - max(activity.last, memory.last_activity, memory.first_tick, host_start))


def limit_of(tag: str | None, default: int) -> Limit:
    """The owner's tag if it makes sense, or else the default."""
    if tag is None:
        return Limit(default, "default")
    if tag.strip().lower() == "never":
        return Limit(NEVER, "tag")
    if tag.strip().isdecimal():
        return Limit(int(tag), "tag")
    return Limit(default, f"default: the tag {TAG}={tag} is no number of seconds")


def decide(activity: Activity, idle: float, limit: Limit) -> Verdict:
    """Whether to stop. Work beats every clock."""
    if activity.busy:
        return Verdict(False, f"{activity.busy}: keep")
    if limit.seconds == NEVER:
        return Verdict(False, f"idle {idle:,.0f} s, no limit ({limit.source}): keep")
    compared = f"{limit.seconds:,} s ({limit.source})"
    if idle > limit.seconds:
        return Verdict(True, f"idle {idle:,.0f} s > {compared}: stop")
    return Verdict(False, f"idle {idle:,.0f} s <= {compared}: keep")


def ask_jupyter(url: str, count_connections: bool) -> Activity:
    """Whatever proxies and certificates the environment names: this is localhost with a self-signed one."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))

    def listed(what: str) -> Any:
        with opener.open(f"{url}/api/{what}?no_track_activity=1", timeout=15) as answer:
            return json.load(answer)

    return observe(listed("sessions"), listed("kernels"), listed("terminals"), count_connections)


def aws(*arguments: str) -> str:
    """What the AWS CLI prints."""
    command = ["timeout", "60", "aws", "sagemaker", *arguments, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    return done.stdout


def read_tag(arn: str) -> str | None:
    """The value of the tag by which the owner sets the limit."""
    tags = json.loads(aws("list-tags", "--resource-arn", arn, "--region", arn.split(":")[3]))["Tags"]
    return next((tag["Value"] for tag in tags if tag["Key"] == TAG), None)


def stop(arn: str, name: str) -> None:
    """Stops this instance."""
    aws("stop-notebook-instance", "--notebook-instance-name", name, "--region", arn.split(":")[3])


def remembered(state: Path, now: float) -> Memory:
    """What the last tick left, if there was one."""
    try:
        return Memory(**json.loads(state.read_text()))
    except (OSError, ValueError, TypeError):
        return Memory(first_tick=now)


def remember(state: Path, memory: Memory) -> None:
    """In one piece, even if the instance stops meanwhile."""
    new = state.with_suffix(".new")
    new.write_text(json.dumps(asdict(memory)))
    new.replace(state)


def look(options: argparse.Namespace, arn: str, host_start: float, now: float) -> tuple[Verdict, Memory]:
    """What to do now, and what to remember."""
    memory = remembered(options.state, now)
    try:
        activity = ask_jupyter(options.jupyter, options.count_connections)
    except (OSError, ValueError) as error:
        return Verdict(False, f"Jupyter does not answer ({error}): keep"), memory
    idle = 0 if activity.busy else idle_seconds(activity, memory, host_start, now)
    memory = replace(memory, last_activity=now - idle)
    trouble = ""
    if idle > min(TAG_MATTERS_AFTER, options.limit or TAG_MATTERS_AFTER):
        try:
            memory = replace(memory, tag=read_tag(arn))
        except OSError as error:
            trouble = f" [tags not readable: {error}]"
    verdict = decide(activity, idle, limit_of(memory.tag, options.limit))
    return replace(verdict, reason=verdict.reason + trouble), memory


def main() -> int:
    """One tick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=3600, help="idle seconds; 0: never; the tag wins")
    parser.add_argument("--count-connections", action="store_true", help="an open notebook is activity")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--notice", default="true", help="program that is told what the owner has to know")
    parser.add_argument("--state", type=Path, default="/var/lib/datalab/autostop.json")
    parser.add_argument("--metadata", type=Path, default="/opt/ml/metadata/resource-metadata.json")
    parser.add_argument("--jupyter", default="https://localhost:8443")
    options = parser.parse_args()
    identity = json.loads(options.metadata.read_text())
    now = time.time()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    verdict, memory = look(options, identity["ResourceArn"], now - uptime, now)
    print(verdict.reason)
    if options.dry_run:
        return 0
    remember(options.state, memory)
    return act(options, identity, verdict) if verdict.stop else 0


def act(options: argparse.Namespace, identity: dict[str, str], verdict: Verdict) -> int:
    """Says why it stops the instance, and stops it."""

    def notice(sentence: str) -> None:
        text = f"{time.strftime('%F %R', time.gmtime())} UTC, autostop: {verdict.reason}. {sentence}"
        subprocess.run([options.notice, "notice", "stopped", text], check=False)

    notice(f"Your files are all here. The instance's tag `{TAG}` sets another limit: a number of seconds, or never.")
    try:
        stop(identity["ResourceArn"], identity["ResourceName"])
    except OSError as error:
        notice(f"It did not work: please stop the instance yourself, and show this to your platform team: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
