"""Stop this notebook instance when nobody has used it for a while.

A timer runs this every few minutes on every instance. So it avoids modules that are slow to import (argparse,
http.client, pathlib), and imports subprocess only in the few ticks that need it.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from contextlib import suppress
from datetime import datetime, timezone
from types import SimpleNamespace

RUN = "/usr/local/libexec/datalab/run"
STATE = "/var/lib/datalab/autostop.json"
PROC = "/proc"
TERMINALS = "/dev/pts"
PORT = 8443

# A process works if it uses one of these in a tick: hundredths of a second, bytes. docs/autostop.md says why.
CPU = 1000
IO = 4 * 2**20

DAY = 86400


class Memory:
    """The time, and what one tick keeps for the next. Times count from the boot, except `wall`, which can be set.

    `last` is the time of the last tick, `silent` the time since which Jupyter has not answered, `asked` the time when
    the tag was last asked for. `tag` is None until it was read; it is asked for again after `pause` seconds, about an
    hour, which differs between instances. `worked` counts the seconds with work or a person. `logged` is when the
    logged idle period began, and 0 once that period has ended.
    """

    def __init__(self, now: int, wall: int) -> None:
        self.now = self.last = self.active = now
        self.wall = wall
        self.silent = self.worked = self.asked = self.logged = 0
        self.silence = self.held = self.note = ""
        self.pause = 3300 + 5 * os.urandom(1)[0]
        self.stamps: list[str] = []
        self.used: dict[str, list[int]] = {}
        self.told: dict[str, bool] = {}
        self.tag: str | None = None


def ask_jupyter(what: str) -> list[dict[str, object]]:
    """Return Jupyter's sessions or kernels. Jupyter is on this machine; no authority has signed its certificate."""
    tls = ssl._create_unverified_context()  # noqa: S323 - see above
    with socket.create_connection(("localhost", PORT), 15) as plain, tls.wrap_socket(plain) as jupyter:
        jupyter.sendall(f"GET /api/{what}?no_track_activity=1 HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        head, content = jupyter.makefile("rb").read().partition(b"\r\n\r\n")[::2]
    status = head[9:12].decode()
    items = json.loads(content) if status == "200" else f"HTTP {status}"
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{what}: {items}")
    return items


def observe(options: SimpleNamespace) -> tuple[str, list[str]]:
    """Return which kernel is busy, and when each was last active. A session can be without a kernel."""
    sessions, kernels = map(ask_jupyter, ("sessions", "kernels"))
    for session in sessions:
        if isinstance(kernel := session.get("kernel"), dict):
            kernels.append({**kernel, "name": session.get("path")})
    busy = ""
    for kernel in kernels:
        if kernel.get("execution_state") == "busy":
            busy = f"{kernel.get('name')} is computing"
        elif kernel.get("connections") and not options.ignore_connections:
            busy = f"{kernel.get('name')} is open in a browser"
    return busy, [str(kernel.get("last_activity")) for kernel in kernels]


def typed() -> list[str]:
    """Return when each terminal was opened or last typed in; output of programs does not change its time of access."""
    times = []
    for name in filter(str.isdigit, os.listdir(TERMINALS)):
        with suppress(OSError):  # the terminal is closed by now
            times.append(str(datetime.fromtimestamp(os.stat(f"{TERMINALS}/{name}").st_atime, timezone.utc)))
    return times


def remember(memory: Memory, stamps: set[str]) -> None:
    """Update the last activity: a new stamp counts as later than the last tick, even if the clock was set meanwhile."""
    for stamp in stamps.difference(memory.stamps):
        with suppress(ValueError, OverflowError):
            age = memory.wall - int(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp())
            memory.active = min(memory.now, max(memory.active, memory.last, memory.now - age))
    memory.stamps = sorted(stamps)


def read(process: str, what: str) -> str:
    """Return a file of a process in /proc. The name of a process can have any bytes."""
    with open(f"{PROC}/{process}/{what}", errors="replace") as file:
        return file.read()


def work(memory: Memory) -> str:
    """Return which process has worked since the last tick, no matter where it was started and by whom.

    A process counts if it is the person's, or if it belongs neither to a service (except Jupyter's, where sudo runs)
    nor to Linux itself, whose control group is "/". So a container counts, and what the machine does by itself does
    not.

    CPU and bytes of ended children count for their parent. Bytes are those of read and write calls: files, pipes and
    much of what goes through TLS. They can be read for the person's own processes only.
    """
    before, memory.used = memory.used, {}
    busy = memory.held = ""
    for number in filter(str.isdigit, os.listdir(PROC)):
        with suppress(OSError):
            name, rest = read(number, "stat").partition("(")[2].rsplit(")", 1)
            fields = rest.split()
            group = read(number, "cgroup").strip()
            is_own = os.stat(f"{PROC}/{number}").st_uid == os.getuid()
            if is_own or "jupyter" in group or not group.endswith(("/", "/init.scope", ".service")):
                process = f"{number}-{fields[19]}"
                memory.used[process] = used = [sum(map(int, fields[11:15])), 0]
                with suppress(OSError):
                    used[1] = sum(map(int, read(number, "io").split()[1:4:2]))
                if name.startswith("until "):
                    memory.held = f"held {name}"
                is_quiet = name.endswith("top") or name.startswith(("jupyter-", "watch"))
                since = [now - then for now, then in zip(used, before.get(process, (0, 0)))]
                if not is_quiet and (since[0] >= CPU or since[1] >= IO):
                    busy = f"{name} works (process {number})"
    return busy


def survey(options: SimpleNamespace, memory: Memory) -> tuple[str, str]:
    """Return which kernel, or which hold, and which process is busy."""
    busy = work(memory)
    kernel, stamps = "", memory.stamps
    try:
        kernel, stamps = observe(options)
        memory.silence = ""
    except (OSError, ValueError) as error:
        if not memory.silence:
            memory.silent = memory.now
        memory.silence = f"no answer from Jupyter ({error})"
    remember(memory, {*stamps, *typed()})
    return memory.held or kernel, busy


def decide(options: SimpleNamespace, memory: Memory) -> tuple[bool, str]:
    """Return whether to stop, and why, by what is known of the tag. A limit of 0 means never.

    A tag that could never be read may say `never`; but if the role lacks the right to read it, the instance would never
    stop. So such a tag counts as a day.
    """
    limit, source, what, since = options.limit, "default", memory.silence or "idle", memory.active
    tag = (memory.tag or "").strip().lower()
    if tag == "never" or tag.isdecimal():
        limit, source = int(tag.replace("never", "0")), "tag"
    elif tag:
        source = f"default: the tag idle={memory.tag} is no number of seconds"
    elif memory.tag is None and memory.asked:
        limit, source = limit and max(limit, options.maximum or DAY), "longest limit: the tag idle was never read"
    if memory.silence:
        since = max(since, memory.silent)
        if limit and not 0 < options.no_answer < limit:
            limit, source = options.no_answer, "no answer"
    if options.maximum and not 0 < limit <= options.maximum:
        limit, source = options.maximum, f"maximum: the {source} is beyond it"
    memory.note = f"Autostop takes the {source}." if ":" in source else ""
    seconds = memory.now - since
    due = 0 < limit < seconds
    bound = f" {'>' if due else '<='} {limit:,} s" if limit else ", no limit"
    return due, f"{what} {seconds:,.0f} s{bound} ({source}): {'stop' if due else 'keep'}"


def aws(*command: str) -> str:
    """Return AWS's answer to a function of the program that the start has installed; raise OSError if it fails."""
    import subprocess  # noqa: PLC0415 - see above

    done = subprocess.run([RUN, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(" ".join(done.stderr.split()))
    return done.stdout.removesuffix("\n")


def look(options: SimpleNamespace, memory: Memory) -> tuple[bool, str]:
    """Return whether to stop now, and why. Work keeps the instance, whatever the limits are.

    The tag is read when a stop is due or after five idle minutes, and then every hour as long as the instance is idle.
    """
    kernel, other = survey(options, memory)
    busy = kernel or other
    if busy:
        memory.active = memory.now
    if memory.active > memory.last:
        memory.worked += memory.now - memory.last
    if busy:
        return False, f"{busy}: keep"
    due = decide(options, memory)[0]
    known = memory.asked > memory.active and memory.now - memory.asked < memory.pause
    if due or (memory.now - memory.active > 300 and not known):
        memory.asked = memory.now
        try:
            memory.tag = aws("tag", "idle")
        except OSError as error:
            print(f"tag not readable: {error}")
    return decide(options, memory)


def run(*command: str) -> None:
    """Call a function of the program that the start has installed."""
    os.spawnl(os.P_WAIT, RUN, RUN, *command)


def tell(memory: Memory, name: str, *text: str) -> None:
    """Write a notice for the person, or remove the one that was written."""
    if text or memory.told.get(name):
        memory.told[name] = bool(text)
        run("notice", name, *text)


def report(memory: Memory, what: str, reason: str) -> None:
    """Log a line for the cost report to journal and CloudWatch Logs, once for each idle period and once for its end."""
    if memory.logged != memory.active:
        memory.logged = memory.active
        idle = memory.now - memory.active
        line = json.dumps(
            {"autostop": what, "reason": reason, "idle": idle, "busy": memory.worked, "running": memory.now}
        )
        print(line, flush=True)
        log(json.dumps([{"timestamp": memory.wall * 1000, "message": line}]))


def log(events: str) -> None:
    """Send events to CloudWatch Logs, where the cost report reads them."""
    stream = f"{aws('metadata', 'ResourceName')}/autostop"
    to = ("--log-group-name", "/aws/sagemaker/NotebookInstances", "--log-stream-name", stream)
    run("cli", "logs", "create-log-stream", *to)
    run("cli", "logs", "put-log-events", *to, "--log-events", events)


def stop(memory: Memory, reason: str) -> int:
    """Write a notice with the reason, and stop the instance, unless it is stopping already."""
    text = f"{datetime.now(timezone.utc):%F %R} UTC, autostop: {reason}."
    tell(memory, "stopped", text, "Your files are all here. The tag `idle` sets another limit: seconds, or never.")
    report(memory, "stop", reason)
    try:
        aws("stop_instance")
    except OSError as error:
        print(f"not stopped: {error}")
        if "Status (Stop" not in str(error):
            tell(memory, "stopped", text, f"It did not work: please stop the instance yourself. {error}")
            return 1
    return 0


def act(options: SimpleNamespace, memory: Memory, due: bool, reason: str) -> int:
    """Do what was decided, unless a person has begun to work meanwhile, and write the notices.

    Work of processes during `before_stop` does not count: they may be saving the person's state.
    """
    tell(memory, "autostop", *filter(None, [memory.note, memory.held and f"Autostop waits: {memory.held}."]))
    if 0 < memory.logged < memory.active:
        report(memory, "back", reason)
        memory.logged = 0
    if due and options.observe:
        report(memory, "observe", reason)
    elif due:
        active = memory.active
        run("before_stop")
        busy = survey(options, memory)[0]
        if not busy:
            memory.active = active
            return stop(memory, reason)
        print(f"{busy}: keep")
    tell(memory, "stopped")
    return 0


def main() -> int:
    """Run one tick. Any argument after the options makes it a dry run."""
    options = SimpleNamespace(**json.loads(sys.argv[1]))
    memory = Memory(int(time.clock_gettime(time.CLOCK_BOOTTIME)), int(time.time()))
    with suppress(Exception), open(STATE) as file:
        old = json.load(file)
        if old["now"] <= memory.now:
            vars(memory).update(old, last=old["now"], now=memory.now, wall=memory.wall)
    due, reason = look(options, memory)
    print(reason, flush=True)
    if sys.argv[2:]:
        return 0
    status = act(options, memory, due, reason)
    with open(f"{STATE}.{os.getpid()}", "w") as file:
        json.dump(vars(memory), file)
    if os.path.isdir(STATE):
        os.rename(STATE, f"{file.name}.old")
        run("notice", "memory", f"{STATE} was a directory, and is now {file.name}.old.")
    os.replace(file.name, STATE)
    return status


if __name__ == "__main__":
    sys.exit(main())
