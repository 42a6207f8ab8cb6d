# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The port at which a browser finds instances. A server that echoes requests stands in for Jupyter."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.machines import door as door_module
from sandbox.machines.door import Door

STATES = {"alice": "InService", "bob": "Pending", "carol": "Stopped", "dave": "InService"}  # dave's Jupyter is dead
SESSION = 3600


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)


@pytest.fixture(scope="module")
def sockets(tmp_path_factory, loop):
    """Return the directory of the Jupyters' sockets; only alice's Jupyter runs."""
    directory = tmp_path_factory.mktemp("s")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    async def jupyter(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(line), line))
        await writer.drain()
        writer.close()

    server = asyncio.start_unix_server(jupyter, directory / "alice", ssl=tls)
    asyncio.run_coroutine_threadsafe(server, loop).result()
    return directory


@pytest.fixture
def door(sockets) -> Door:
    opened = Door(lambda name: sockets / name, STATES.get)
    opened.listen(0)
    return opened


def get(door: Door, name: str, path: str = "/lab", cookie: str = "") -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", door.port, timeout=10)
    headers = {"Host": f"{name}.notebook.localhost:{door.port}"} | ({"Cookie": cookie} if cookie else {})
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response, response.read().decode()


def session(door: Door, name: str) -> str:
    """Return the cookie that a presigned URL sets."""
    response, _ = get(door, name, path_of(door.url(name, SESSION)))
    assert response.status == 302
    return str(response.headers["Set-Cookie"]).split(";")[0]


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_url_names_the_origin_of_the_instance(door: Door) -> None:
    assert door.url("alice", SESSION).startswith(f"http://alice.notebook.localhost:{door.port}/?authToken=")


def test_url_leads_to_jupyter(door: Door) -> None:
    response, _ = get(door, "alice", path_of(door.url("alice", SESSION)))
    assert (response.status, response.headers["Location"]) == (302, "/lab")
    assert "HttpOnly" in response.headers["Set-Cookie"]
    response, text = get(door, "alice", "/api/status?x=1", session(door, "alice"))
    assert (response.status, text) == (200, "GET /api/status?x=1 HTTP/1.1")


@pytest.mark.parametrize("cookie", ["", "sandbox=", "sandbox=0", "other=1"])
def test_closed_without_a_session(door: Door, cookie: str) -> None:
    response, text = get(door, "alice", cookie=cookie)
    assert response.status == 403
    assert "presigned URL" in text


@pytest.mark.parametrize("path", ["/?authToken=", "/?authToken=0", "/lab?authToken=00"])
def test_closed_to_another_token(door: Door, path: str) -> None:
    assert get(door, "alice", path)[0].status == 403


def test_closed_to_the_url_and_the_session_of_another_instance(door: Door) -> None:
    assert get(door, "dave", path_of(door.url("alice", SESSION)))[0].status == 403
    assert get(door, "dave", cookie=session(door, "alice"))[0].status == 403


@pytest.mark.parametrize(
    ("seconds", "by_url", "by_session"), [(299, 302, 200), (301, 403, 200), (SESSION + 1, 403, 403)]
)
def test_time_limits(door: Door, monkeypatch: pytest.MonkeyPatch, seconds: float, by_url: int, by_session: int) -> None:
    path, cookie = path_of(door.url("alice", SESSION)), session(door, "alice")
    now = time.monotonic()
    monkeypatch.setattr(door_module, "time", SimpleNamespace(monotonic=lambda: now + seconds))
    assert get(door, "alice", path)[0].status == by_url
    assert get(door, "alice", cookie=cookie)[0].status == by_session


def test_each_url_begins_a_session_of_its_own_length(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(door.url("alice", 60))
    door.url("bob", SESSION)
    cookie = get(door, "alice", path)[0].headers["Set-Cookie"].split(";")[0]
    now = time.monotonic()
    monkeypatch.setattr(door_module, "time", SimpleNamespace(monotonic=lambda: now + 61))
    assert get(door, "alice", cookie=cookie)[0].status == 403


def test_page_while_an_instance_starts_comes_back(door: Door) -> None:
    response, text = get(door, "bob", cookie=session(door, "bob"))
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert "bob starts" in text
    assert 'http-equiv="refresh"' in text


@pytest.mark.parametrize(
    ("name", "said"), [("carol", "carol does not run: Stopped"), ("erin", "it is gone"), ("dave", "does not answer")]
)
def test_page_without_a_jupyter(door: Door, name: str, said: str) -> None:
    response, text = get(door, name, cookie=session(door, name))
    assert response.status == 503
    assert said in text
    assert "refresh" not in text


def test_taken_port_is_replaced(door: Door) -> None:
    second = Door(Path, STATES.get)
    second.listen(door.port)
    assert second.port not in {0, door.port}


def test_machines_find_aws_at_a_socket(door: Door, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as aws:
        door.serve_aws(tmp_path / "aws", aws.getsockname()[1])
        with socket.socket(socket.AF_UNIX) as machine:
            machine.settimeout(10)
            machine.connect(str(tmp_path / "aws"))
            far: Any = aws.accept()[0]
            with far:
                machine.sendall(b"question")
                assert far.recv(100) == b"question"
                far.sendall(b"answer")
                assert machine.recv(100) == b"answer"
