"""Stops this notebook instance when nobody has used it for a while.

A timer runs it every few minutes on every instance: what would be slow to import (argparse, http.client, pathlib) is
done without, and subprocess is imported by those few ticks that need it.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from contextlib import suppress
from datetime import datetime
from types import SimpleNamespace

RUN = "/usr/local/libexec/datalab/run"
STATE = "/var/lib/datalab/autostop.json"
PROC = "/proc"
PORT = 8443


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
        self.tag = ""


def ask_jupyter(what: str) -> list[dict[str, object]]:
    """What it lists of sessions, kernels or terminals. Where terminals are switched off, there is no list of them.

    It is on this host, and has a certificate that nobody vouches for.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("localhost", PORT), 15) as plain, tls.wrap_socket(plain) as jupyter:
        jupyter.sendall(f"GET /api/{what}?no_track_activity=1 HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        head, content = jupyter.makefile("rb").read().partition(b"\r\n\r\n")[::2]
    status = head[9:12].decode()
    if status == "404" and what == "terminals":
        return []
    items = json.loads(content) if status == "200" else f"HTTP {status}"
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{what}: {items}")
    return items


def observe(count_connections: bool) -> tuple[str, list[str]]:
    """Which kernel is busy, and when anything was active. A session can be without a kernel."""
    sessions, kernels, terminals = map(ask_jupyter, ("sessions", "kernels", "terminals"))
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


def computing(memory: Memory) -> str:
    """Which program in a terminal has used a CPU second since the last tick, itself or in children that have ended.

    Jupyter knows nothing of one that prints nothing. A shell, a pager or an editor that waits uses no CPU.
    """
    before, memory.cpu = memory.cpu, {}
    busy = ""
    for number in filter(str.isdigit, os.listdir(PROC)):
        with suppress(OSError), open(f"{PROC}/{number}/stat", errors="replace") as file:
            name, rest = file.read().rsplit(")", 1)
            fields = rest.split()
            process = f"{number} {fields[19]}"
            if fields[4] != "0":
                memory.cpu[process] = sum(map(int, fields[11:15]))
                if memory.cpu[process] - before.get(process, 0) >= os.sysconf("SC_CLK_TCK"):
                    busy = f"{name.split('(', 1)[1]} is computing in a terminal"
    return busy


def survey(options: SimpleNamespace, memory: Memory) -> str:
    """What is busy."""
    busy = computing(memory)
    try:
        kernel, stamps = observe(options.count_connections)
    except (OSError, ValueError) as error:
        if not memory.silence:
            memory.silent = memory.now
        memory.silence = f"no answer from Jupyter ({error})"
        return busy
    memory.silence = ""
    remember(memory, stamps)
    return kernel or busy


def limit_of(tag: str, default: int) -> tuple[int, str]:
    """The owner's tag if it makes sense, or else the default; 0 is never."""
    value = tag.strip().lower()
    if value == "never":
        return 0, "tag"
    if value.isdecimal():
        return int(value), "tag"
    return default, "default" if not tag else f"default: the tag idle={tag} is no number of seconds"


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


def aws(*command: str) -> str:
    """What AWS says, by a function of the program that the start has installed."""
    import subprocess  # noqa: PLC0415 - see above

    done = subprocess.run([RUN, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(" ".join(done.stderr.split()))
    return done.stdout[:-1]


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
            memory.tag = aws("tag", "idle")
        except OSError as error:
            return due, f"{reason} [tag not readable: {error}]"
    return decide(options, memory)


def tell(memory: Memory, name: str, *text: str) -> None:
    """Puts a notice up for the owner, or takes down the one that was put up."""
    if text or memory.told.get(name):
        memory.told[name] = bool(text)
        os.spawnl(os.P_WAIT, RUN, RUN, "notice", name, *text)


def stop(memory: Memory, reason: str) -> int:
    """Says why it stops the instance, and stops it. One that stops already may do so."""

    def notice(text: str) -> None:
        tell(memory, "stopped", f"{time.strftime('%F %R', time.gmtime())} UTC, autostop: {reason}. {text}")

    notice("Your files are all here. The tag `idle` sets another limit: seconds, or never.")
    try:
        aws("stop_instance")
    except OSError as error:
        print(f"not stopped: {error}")
        if "Status (Stop" not in str(error):
            notice(f"It did not work: please stop the instance yourself. {error}")
            return 1
    return 0


def act(options: SimpleNamespace, memory: Memory, due: bool, reason: str) -> int:
    """Does what was decided, unless somebody works by then, and tells the owner."""
    source = limit_of(memory.tag, options.limit)[1]
    tell(memory, "autostop", *([f"Autostop takes the {source}."] if ":" in source else []))
    if due:
        active = memory.active
        os.spawnl(os.P_WAIT, RUN, RUN, "before_stop")
        busy = survey(options, memory)
        if not busy:
            memory.active = active
            return stop(memory, reason)
        print(f"{busy}: keep")
    tell(memory, "stopped")
    return 0


def main() -> int:
    """One tick. Any argument beyond three makes it a dry run."""
    limit, no_answer, ignored, *dry_run = sys.argv[1:]
    options = SimpleNamespace(limit=int(limit), no_answer=int(no_answer), count_connections=ignored != "true")
    memory = Memory(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())
    with suppress(OSError, ValueError, TypeError, KeyError), open(STATE) as file:
        old = json.load(file)
        if old["now"] <= memory.now:
            vars(memory).update(old, now=memory.now, wall=memory.wall)
    due, reason = look(options, memory)
    print(reason, flush=True)
    if dry_run:
        return 0
    status = act(options, memory, due, reason)
    with open(f"{STATE}.new", "w") as file:
        json.dump(vars(memory), file)
    os.replace(file.name, STATE)
    return status


if __name__ == "__main__":
    sys.exit(main())
