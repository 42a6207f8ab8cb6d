# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server process: moto with the extension, on the loopback interface only."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from .calls import CountCalls
from .machines import Settings
from .pricing import AnswerPrices
from .regions import RefuseUnknownRegions
from .services import sagemaker
from .services.sagemaker import instances_by_status
from .state import StateDir

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask
    from moto.backends import SERVICE_NAMES

HOST = "127.0.0.1"
EXTENDED = (  # each by the module of the same name
    "athena",
    "budgets",
    "ce",
    "cloudtrail",
    "ec2",
    "efs",
    "events",
    "iam",
    "logs",
    "s3",
    "servicequotas",
)


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher with a cache, so that not every request searches all of moto's directories and URLs."""

    def __init__(self) -> None:
        super().__init__(create_extended_app)
        self.get_backend_for_host = lru_cache(maxsize=1000)(self.get_backend_for_host)  # type: ignore[method-assign]


def create_extended_app(service: SERVICE_NAMES) -> Flask:
    """Extend a service, and return moto's application for it."""
    extend(service)  # not earlier, because the import of one of moto's services takes up to a second
    return create_backend_app(service)


@cache
def extend(service: str) -> None:
    """Install the sandbox's extension of one of moto's services, before its first request."""
    if service in EXTENDED:
        import_module(f".services.{service}", __package__).install()


class RequestHandler(MotoRequestHandler):
    """moto's handler, without the 40 ms that Nagle's algorithm adds to an answer sent in two parts."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request in one plain line."""
        target = self.headers.get("X-Amz-Target", "")
        self.log("info", "%s %s %s %s", self.command, self.path, target, code)


def main(argv: list[str] | None = None) -> int:
    """Serve until told to end; announce the endpoint on stdout as soon as it answers."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.server")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True, help="another one is taken if this one is in use")
    parser.add_argument("--transition-seconds", type=float, required=True)
    parser.add_argument("--machines", type=Settings.from_json, help="instances run: the settings of machines, as JSON")
    parser.add_argument("--while-stdin-is-open", action="store_true", help="end with the process that started this one")
    args = parser.parse_args(argv)

    state = StateDir(args.state_dir)
    with state.locked(wait=1) as free:
        if not free:
            print("A sandbox is already running with this state directory.", file=sys.stderr)
            return 1
        server = make(args.port, args.transition_seconds, args.while_stdin_is_open)
        power = sagemaker.install_machines(args.machines, state.path) if args.machines else None
        if power:
            from . import account  # noqa: PLC0415  # most servers never need it

            account.take_up(state.account, extend)
            power.open(server.port, args.machines.port)
        state.announce(f"http://{HOST}:{server.port}")
        with suppress(SystemExit):
            serve(server, args.while_stdin_is_open, state.endpoint)
        if power:
            account.keep(state.account)
            power.machines.close()
        state.forget()
        os._exit(0)  # the interpreter would release the lock, and then take a second to shut down


def make(port: int, transition_seconds: float, while_stdin_is_open: bool) -> BaseWSGIServer:
    """Return the server, which listens already."""
    sagemaker.install(transition_seconds)

    def copy() -> str:
        return copied(app, while_stdin_is_open)

    app = CountCalls(
        RefuseUnknownRegions(AnswerPrices(Dispatcher())), lambda: {"instances": instances_by_status()}, copy
    )
    return listening_server(port, app)


def listening_server(port: int, app: WSGIApplication) -> BaseWSGIServer:
    """Return a listening server of this application, on this port or any other."""
    with listener(port) as listening:
        return make_server(HOST, port, app, threaded=True, request_handler=RequestHandler, fd=listening.fileno())


def copied(app: WSGIApplication, while_stdin_is_open: bool) -> str:
    """Fork a process that serves a copy of this sandbox until SIGTERM, and return its endpoint."""
    server = listening_server(0, app)
    endpoint = f"http://{HOST}:{server.port}"
    if os.fork():
        server.server_close()
        return endpoint
    with suppress(SystemExit):
        serve(server, while_stdin_is_open, endpoint)
    os._exit(0)


def listener(port: int) -> socket.socket:
    """Return a listening socket on this port, or on any other if it is in use."""
    for candidate in (port, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listening.bind((HOST, candidate))
            listening.listen(128)
            return listening
        listening.close()
    raise OSError(f"No port is free on {HOST}.")


def serve(server: BaseWSGIServer, while_stdin_is_open: bool, endpoint: str) -> None:
    """Serve until SIGTERM, and with `while_stdin_is_open` at most until stdin ends."""

    def end(*_: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    if while_stdin_is_open:
        Thread(target=shut_down_at_end_of_stdin, args=[server], daemon=True).start()
    print(endpoint, flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe any more
    server.serve_forever()


def shut_down_at_end_of_stdin(server: BaseWSGIServer) -> None:
    """Shut the server down when the process at the other end of stdin ends."""
    while os.read(0, 100):  # not sys.stdin, whose lock would be held when the interpreter ends
        pass
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
