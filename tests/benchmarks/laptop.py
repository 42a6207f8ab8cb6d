# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure how long a researcher on the laptop waits for the page of a started instance, and for a cell's answer."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from websocket import create_connection

from sandbox.laptop import Laptop
from tests.laptop.platform import platform

ROUNDS = 5
NAME = "datalab-alice"
UNITS = {"kB": 1e-3, "MB": 1, "GB": 1e3}
LOOKED_UP = socket.getaddrinfo


def measure() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as home, platform(Path(home)) as laptop, mock.patch("socket.getaddrinfo", _here):
        rounds = [_round(laptop) for _ in range(ROUNDS)]
    return {what: round(median(each[what] for each in rounds), 1) for what in rounds[0]}


def _here(host: str, *arguments: Any, **more: Any) -> Any:
    """Resolve names below localhost to this computer, as browsers do and libraries do not."""
    return LOOKED_UP("127.0.0.1" if host.endswith(".localhost") else host, *arguments, **more)


def _round(laptop: Laptop) -> dict[str, float]:
    laptop.sagemaker.stop_notebook_instance(NotebookInstanceName=NAME)
    _until(lambda: laptop.states()[NAME] == "Stopped")
    began = time.monotonic()
    laptop.sagemaker.start_notebook_instance(NotebookInstanceName=NAME)
    _until(lambda: laptop.states()[NAME] == "InService")
    in_service = time.monotonic() - began
    browser, url = requests.Session(), laptop.url(NAME)
    _until(lambda: browser.get(url, timeout=60).ok)
    page = time.monotonic() - began
    assert _run(browser, url, "40 + 2") == "42"
    return {
        "seconds from start to InService": in_service,
        "seconds from start to the page": page,
        "seconds from start to the answer of a cell": time.monotonic() - began,
        "MB of memory": _memory(laptop),
    }


def _run(browser: requests.Session, url: str, code: str) -> str:
    """Run a cell in a new kernel and return its result."""
    place = urlsplit(url).netloc
    headers = {"X-XSRFToken": browser.cookies.get("_xsrf") or ""}
    answer = browser.post(f"http://{place}/api/kernels", headers=headers, json={}, timeout=60)
    answer.raise_for_status()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    channel = create_connection(f"ws://{place}/api/kernels/{answer.json()['id']}/channels", cookie=cookies, timeout=60)
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": "bench",
        "version": "5",
    }
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    channel.send(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    while True:
        said = json.loads(channel.recv())
        if said["msg_type"] == "execute_result":
            channel.close()
            return str(said["content"]["data"]["text/plain"])


def _memory(laptop: Laptop) -> float:
    """Return the memory in MB of everything that runs on the instance, with one kernel."""
    command = ["podman", "stats", "--no-stream", "--format", "{{.MemUsage}}", laptop.container(NAME)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    number, unit = re.findall(r"([\d.]+)(kB|MB|GB)", told)[0]
    return float(number) * UNITS[unit]


def _until(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
