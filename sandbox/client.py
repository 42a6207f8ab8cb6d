# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client of a running sandbox."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by which boto3, the AWS CLI and the Ansible modules use the sandbox."""
        unproxied = [host for host in (os.environ.get("NO_PROXY") or os.environ.get("no_proxy", "")).split(",") if host]
        no_proxy = ",".join(dict.fromkeys([*unproxied, "127.0.0.1", "localhost"]))
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "local-only",  # occurs nowhere else, since Ansible masks it in all output
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def calls(self) -> dict[str, int]:
        """Return the number of AWS calls since the last `reset_calls`, by operation."""
        calls: dict[str, int] = self._request("GET", "/sandbox/calls")
        return calls

    def reset_calls(self) -> None:
        """Count the calls from zero again."""
        self._request("DELETE", "/sandbox/calls")

    def by_ansible(self) -> list[str]:
        """Return the operations that Ansible's modules have called since the start, also before `reset_calls`."""
        operations: list[str] = self._request("GET", "/sandbox/by-ansible")["operations"]
        return operations

    def status(self) -> dict[str, Any]:
        """Return the process id, and the number of notebook instances in each status."""
        status: dict[str, Any] = self._request("GET", "/sandbox/status")
        return status

    @contextmanager
    def copy(self) -> Iterator[Sandbox]:
        """Run another sandbox, which begins with the contents of this one, for the duration of the block."""
        copied = Sandbox(self._request("POST", "/sandbox/copy")["endpoint"])
        try:
            yield copied
        finally:
            os.kill(copied.status()["pid"], signal.SIGTERM)

    def reset(self) -> None:
        """Empty the account. The duration of transitions stays as it was set."""
        self._request("POST", "/moto-api/reset")

    def set_transition_seconds(self, seconds: float) -> None:
        """Set how long a notebook instance stays in a transitional state from now on."""
        how = {"progression": "time", "seconds": seconds} if seconds > 0 else {"progression": "immediate"}
        self._request(
            "POST",
            "/moto-api/state-manager/set-transition",
            {"model_name": "sagemaker::notebook_instance", "transition": how},
        )

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        # Not urllib, which would use a proxy that the environment names.
        connection = HTTPConnection(urlsplit(self.endpoint).netloc, timeout=30)
        try:
            connection.request(
                method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {}
            )
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {response.status}: {text[:200]}")
        return json.loads(text or "null")
