# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# ruff: noqa: T201
"""Uses Jupyter as a browser does.

jupyter.py kernels | run KERNEL [PATH] <code | terminal <lines | GET|PUT|POST|DELETE PATH <body

`run` starts a session with this kernel, computes, prints the outputs and closes the session; --keep leaves it open, and
--no-wait leaves while it computes. `terminal` types into a new one, up to the first command that fails.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid
from http.cookiejar import CookieJar
from typing import Any

import websocket

HOST = "localhost:8443"
TLS = ssl._create_unverified_context()  # noqa: S323  the certificate is self-signed
COOKIES = CookieJar()
OPENER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=TLS),
    urllib.request.HTTPCookieProcessor(COOKIES),
)


def call(method: str, path: str, body: Any = None) -> Any:
    """Send one request to the API; all but GET need the token that a page sets as a cookie."""
    if method != "GET" and not len(COOKIES):
        opened(urllib.request.Request(f"https://{HOST}/lab")).close()
    headers = {"X-XSRFToken": cookies().get("_xsrf", "")}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"https://{HOST}{path}", data, headers, method=method)
    with opened(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def opened(request: urllib.request.Request) -> Any:
    """Return the answer; retry for 60 seconds, since Jupyter refuses connections while a start restarts it."""
    end = time.monotonic() + 60
    while True:
        try:
            return OPENER.open(request, timeout=60)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise
        time.sleep(0.2)


def cookies() -> dict[str, str]:
    """Return the values of Jupyter's cookies by name."""
    return {cookie.name: cookie.value or "" for cookie in COOKIES}


def execute(kernel_id: str, code: str, wait: bool) -> bool:
    """Run code in a kernel, print its output, and return whether there was no error; without `wait`, only start it."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies().items())
    url = f"wss://{HOST}/api/kernels/{kernel_id}/channels"
    connection = websocket.create_connection(url, sslopt={"cert_reqs": ssl.CERT_NONE}, cookie=cookie, timeout=120)
    request = uuid.uuid4().hex
    header = {"msg_id": request, "msg_type": "execute_request", "session": request, "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    connection.send(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    well = True
    while True:
        message = json.loads(connection.recv())
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            print(content["text"], end="")
        elif kind in {"execute_result", "display_data"}:
            print(content["data"].get("text/plain", ""))
        elif kind == "error":
            print("\n".join(content["traceback"]))
            well = False
        elif kind == "status" and content["execution_state"] == ("idle" if wait else "busy"):
            connection.close()
            return well


def run(arguments: argparse.Namespace) -> int:
    """Run the code of standard input in a new session; return the exit code."""
    path = arguments.path
    wanted = {"kernel": {"name": arguments.kernel}, "name": path.rpartition("/")[2], "path": path, "type": "notebook"}
    session = call("POST", "/api/sessions", wanted)
    try:
        return 0 if execute(session["kernel"]["id"], sys.stdin.read(), not arguments.no_wait) else 1
    finally:
        if not arguments.keep:
            call("DELETE", f"/api/sessions/{session['id']}")


def terminal() -> int:
    """Type the lines of standard input into a new terminal, and print its output; return the exit code."""
    name = call("POST", "/api/terminals")["name"]
    cookie = "; ".join(f"{name}={value}" for name, value in cookies().items())
    url = f"wss://{HOST}/terminals/websocket/{name}"
    connection = websocket.create_connection(url, sslopt={"cert_reqs": ssl.CERT_NONE}, cookie=cookie, timeout=300)
    for line in ["set -e", *sys.stdin.read().splitlines(), 'echo "the e""nd"']:
        connection.send(json.dumps(["stdin", f"{line}\r"]))
    screen = ""
    kind = "setup"
    while kind != "disconnect" and "the end" not in screen:
        kind, *content = json.loads(connection.recv())
        screen += content[0] if kind == "stdout" else ""
    connection.close()
    call("DELETE", f"/api/terminals/{name}")
    print(screen)
    return 0 if "the end" in screen else 1


def main() -> int:
    """Run the command of the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("kernels")
    commands.add_parser("terminal")
    running = commands.add_parser("run")
    running.add_argument("kernel")
    running.add_argument("path", nargs="?", default="test.ipynb")
    running.add_argument("--keep", action="store_true")
    running.add_argument("--no-wait", action="store_true")
    for method in ("GET", "PUT", "POST", "DELETE"):
        commands.add_parser(method).add_argument("path")
    arguments = parser.parse_args()
    if arguments.command == "run":
        return run(arguments)
    if arguments.command == "terminal":
        return terminal()
    try:
        if arguments.command == "kernels":
            listed = call("GET", "/api/kernelspecs")["kernelspecs"]
            print(json.dumps({name: spec["spec"]["display_name"] for name, spec in listed.items()}))
        else:
            body = json.load(sys.stdin) if arguments.command == "PUT" else None
            print(json.dumps(call(arguments.command, arguments.path, body)))
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read().decode()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
