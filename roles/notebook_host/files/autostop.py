"""Stops this notebook instance when nobody has used it for a while.

A timer runs it every few minutes on every instance: what would be slow to import (argparse, http.client, pathlib) is
done without, and subprocess is imported by those few ticks that need it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import ssl
import sys
import time
from contextlib import suppress
from datetime import datetime
from types import SimpleNamespace

CPU_SECOND = os.sysconf("SC_CLK_TCK")
OPTIONS = {
    "limit": 3600,
    "no_answer": 7200,
    "count_connections": False,
    "dry_run": False,
    "notice": "/usr/local/libexec/datalab/run",
    "hooks": "/usr/local/libexec/datalab/before-stop.d",
    "state": "/var/lib/datalab/autostop.json",
    "metadata": "/opt/ml/metadata/resource-metadata.json",
    "jupyter": "localhost:8443",
    "proc": "/proc",
}


class Memory:
    """The time, and what one tick leaves for the next. Only `wall` can be set: the others count from the boot.

    `looked` is when Jupyter answered last, `silent` since when it does not, `asked` when the tag was asked for. `pause`
    until it is asked for again is about an hour, and another one on each instance.
    """

    def __init__(self, now: float, wall: float) -> None:
        self.now = self.looked = self.active = now
        self.wall = wall
        self.silent = 0.0
        self.asked = -1e9
        self.silence = ""
        self.pause = 3300 + 5 * os.urandom(1)[0]
        self.stamps: list[str] = []
        self.cpu: dict[str, int] = {}
        self.told: dict[str, bool] = {}
        self.tag: str | None = None


def get(address: str, path: str) -> tuple[int, bytes]:
    """The status and content with which Jupyter answers.

    It is on this host, and has a certificate that nobody vouches for.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 15) as plain, tls.wrap_socket(plain) as jupyter:
        jupyter.sendall(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
        head, _, content = jupyter.makefile("rb").read().partition(b"\r\n\r\n")
    return int(head[9:12]), content


def ask_jupyter(address: str) -> list[list[dict[str, object]]]:
    """Its sessions, kernels and terminals. Where terminals are switched off, there is no list of them."""
    lists = []
    for what in ("sessions", "kernels", "terminals"):
        status, content = get(address, f"/api/{what}?no_track_activity=1")
        items = json.loads(content) if status == 200 else f"HTTP {status}"
        if status == 404 and what == "terminals":
            items = []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError(f"{what}: {items}")
        lists.append(items)
    return lists


def observe(lists: list[list[dict[str, object]]], count_connections: bool) -> tuple[str, list[str]]:
    """Which kernel is busy, and when anything was active. A session can be without a kernel."""
    sessions, kernels, terminals = lists
    pairs = [(item.get("kernel"), item.get("path")) for item in sessions]
    named = [{**kernel, "name": path} for kernel, path in pairs if isinstance(kernel, dict)]
    busy = ""
    for kernel in kernels + named:
        if kernel.get("execution_state") == "busy":
            busy = f"{kernel.get('name')} is computing"
        elif count_connections and kernel.get("connections"):
            busy = f"{kernel.get('name')} is open in a browser"
    return busy, [str(item.get("last_activity")) for item in kernels + named + terminals]


def remember(memory: Memory, stamps: list[str]) -> None:
    """What is new has happened since the last look, even if the clock on the wall was set meanwhile."""
    for stamp in set(stamps).difference(memory.stamps):
        with suppress(ValueError, OverflowError):
            age = memory.wall - datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
            memory.active = min(memory.now, max(memory.active, memory.looked, memory.now - age))
    memory.stamps = stamps
    memory.looked = memory.now


def computing(memory: Memory, proc: str) -> str:
    """Which program in a terminal has used a CPU second since the last tick, itself or in children that have ended.

    Jupyter knows nothing of one that prints nothing. A shell, a pager or an editor that waits uses no CPU.
    """
    before, memory.cpu = memory.cpu, {}
    busy = ""
    for number in filter(str.isdigit, os.listdir(proc)):
        with suppress(OSError), open(f"{proc}/{number}/stat", errors="replace") as file:
            name, rest = file.read().rsplit(")", 1)
            fields = rest.split()
            process = f"{number} {fields[19]}"
            if fields[4] != "0":
                memory.cpu[process] = sum(map(int, fields[11:15]))
                if memory.cpu[process] - before.get(process, 0) >= CPU_SECOND:
                    busy = f"{name.split('(', 1)[1]} is computing in a terminal"
    return busy


def survey(options: SimpleNamespace, memory: Memory) -> str:
    """What is busy."""
    busy = computing(memory, options.proc)
    try:
        kernel, stamps = observe(ask_jupyter(options.jupyter), options.count_connections)
    except (OSError, ValueError) as error:
        memory.silent = memory.silent if memory.silence else memory.now
        memory.silence = f"no answer from Jupyter ({error})"
        return busy
    memory.silence = ""
    remember(memory, stamps)
    return kernel or busy


def limit_of(tag: str | None, default: int) -> tuple[int, str]:
    """The owner's tag if it makes sense, or else the default; 0 is never."""
    value = str(tag).strip().lower()
    if value == "never":
        return 0, "tag"
    if value.isdecimal():
        return int(value), "tag"
    return default, "default" if tag is None else f"default: the tag idle={tag} is no number of seconds"


def decide(options: SimpleNamespace, memory: Memory) -> tuple[bool, str]:
    """Whether to stop, and why, by the tag as it is known."""
    limit, source = limit_of(memory.tag, options.limit)
    what, seconds = "idle", memory.now - memory.active
    if memory.silence:
        what, seconds = memory.silence, memory.now - memory.silent
        if limit:
            limit, source = options.no_answer, "default"
    if not limit:
        return False, f"{what} {seconds:,.0f} s, no limit ({source}): keep"
    if seconds > limit:
        return True, f"{what} {seconds:,.0f} s > {limit:,} s ({source}): stop"
    return False, f"{what} {seconds:,.0f} s <= {limit:,} s ({source}): keep"


def aws(options: SimpleNamespace, *arguments: str) -> str:
    """What the AWS CLI prints."""
    import subprocess  # noqa: PLC0415 - see above

    region = options.ResourceArn.split(":")[3]
    command = ["timeout", "60", "aws", "sagemaker", *arguments, "--region", region, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(" ".join(done.stderr.split()))
    return done.stdout


def look(options: SimpleNamespace, memory: Memory) -> tuple[bool, str]:
    """Whether to stop now, and why. Work beats every clock.

    The tag is read when a stop is due, once in an idle period that lasts, and then every hour.
    """
    busy = survey(options, memory)
    if busy:
        memory.active = memory.now
        return False, f"{busy}: keep"
    due, reason = decide(options, memory)
    known = memory.asked > memory.active and memory.now - memory.asked < memory.pause
    if due or (memory.now - memory.active > 300 and not known):
        memory.asked = memory.now
        try:
            tags = json.loads(aws(options, "list-tags", "--resource-arn", options.ResourceArn))["Tags"]
        except (OSError, ValueError) as error:
            return due, f"{reason} [tags not readable: {error}]"
        memory.tag = next((tag["Value"] for tag in tags if tag["Key"] == "idle"), None)
    return decide(options, memory)


def tell(options: SimpleNamespace, memory: Memory, name: str, *text: str) -> None:
    """Puts a notice up for the owner, or takes down the one that was put up."""
    if text or memory.told.get(name):
        memory.told[name] = bool(text)
        os.spawnlp(os.P_WAIT, options.notice, options.notice, "notice", name, *text)


def run_hooks(hooks: str) -> None:
    """What has to be done before a stop. No hook keeps the instance from stopping."""
    for name in sorted(os.listdir(hooks)) if os.path.isdir(hooks) else []:
        hook = f"{hooks}/{name}"
        if os.path.isfile(hook) and os.access(hook, os.X_OK):
            status = os.spawnlp(os.P_WAIT, "timeout", "timeout", "-s", "KILL", "60", hook)
            print(f"{hook} ended with {status}")


def stop(options: SimpleNamespace, memory: Memory, reason: str) -> int:
    """Says why it stops the instance, and stops it. One that stops already may do so."""

    def notice(text: str) -> None:
        tell(options, memory, "stopped", f"{time.strftime('%F %R', time.gmtime())} UTC, autostop: {reason}. {text}")

    notice("Your files are all here. The tag `idle` sets another limit: seconds, or never.")
    try:
        aws(options, "stop-notebook-instance", "--notebook-instance-name", options.ResourceName)
    except OSError as error:
        print(f"not stopped: {error}")
        if "Status (Stop" not in str(error):
            notice(f"It did not work: please stop the instance yourself. {error}")
            return 1
    return 0


def tick(options: SimpleNamespace, memory: Memory) -> int:
    """Looks, says what it thinks, and does it."""
    due, reason = look(options, memory)
    print(reason, flush=True)
    if options.dry_run:
        return 0
    source = limit_of(memory.tag, options.limit)[1]
    tell(options, memory, "autostop", *([f"Autostop takes the {source}."] if ":" in source else []))
    if due:
        active = memory.active
        run_hooks(options.hooks)
        busy = survey(options, memory)
        if not busy:
            memory.active = active
            return stop(options, memory, reason)
        print(f"{busy}: keep")
    tell(options, memory, "stopped")
    return 0


def options_of(arguments: list[str]) -> SimpleNamespace:
    """What was said as --name=value, or --name for yes, and the defaults."""
    options = dict(OPTIONS)
    for argument in arguments:
        name, _, value = argument.partition("=")
        name = name.strip("-").replace("-", "_")
        if name not in options:
            sys.exit(f"no option {argument}")
        options[name] = int(value) if value.isdecimal() else value or True
    return SimpleNamespace(**options)


def main() -> int:
    """One tick, unless another one is at work."""
    options = options_of(sys.argv[1:])
    with open(options.metadata) as file:
        vars(options).update(json.load(file))
    try:
        if not options.dry_run:
            fcntl.flock(os.open(os.path.dirname(options.state), os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another autostop is at work")
        return 0
    memory = Memory(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())
    with suppress(OSError, ValueError, TypeError, KeyError), open(options.state) as file:
        old = json.load(file)
        if old["now"] <= memory.now:
            vars(memory).update(old, now=memory.now, wall=memory.wall)
    status = tick(options, memory)
    if not options.dry_run:
        with open(f"{options.state}.new", "w") as file:
            json.dump(vars(memory), file)
        os.replace(file.name, options.state)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
