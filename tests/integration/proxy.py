# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""microburst in front of the sandbox: a proxy that answers as AWS does when something is wrong there."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

MICROBURST = Path(sys.executable).with_name("microburst")


class Proxy:
    """A running proxy."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.endpoint = f"http://127.0.0.1:{port}"

    def inject(self, rules: list[dict[str, Any]]) -> None:
        """Inject these faults from now on, and no others."""
        self._request("POST", "rules", rules)
        self._request("DELETE", "fired")

    def injected(self) -> Counter[str]:
        """Return how often each operation was disturbed since the last `inject`."""
        return Counter(event["operation"] for event in self._request("GET", "fired?limit=10000"))

    def answers(self) -> bool:
        """Return whether the proxy answers yet."""
        try:
            return bool(self._request("GET", "health"))
        except ConnectionRefusedError:
            return False

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/_microburst/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            if response.status >= 300:
                raise RuntimeError(f"microburst answers {method} {path} with {response.status}")
            return json.loads(response.read() or "null")
        finally:
            connection.close()


@contextmanager
def proxy_before(endpoint: str) -> Iterator[Proxy]:
    """Run a proxy in front of this endpoint, on a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(MICROBURST), "--host", "127.0.0.1", "--port", str(port), "--upstream", endpoint]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = Proxy(port)
    deadline = time.monotonic() + 30
    try:
        while not proxy.answers():
            assert process.poll() is None, "microburst has ended"
            assert time.monotonic() < deadline, "microburst does not answer"
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait()
