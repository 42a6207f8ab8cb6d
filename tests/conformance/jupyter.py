# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session of Jupyter, like that of a browser which has opened a presigned URL."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

SECONDS = 30


class Session:
    """A client that opens the presigned URL, which is a secret, and keeps the cookies."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._headers = {}
        self._base = f"{parts.scheme}://{parts.netloc}"
        if (parts.hostname or "").endswith(".localhost"):  # a browser resolves such names by itself; Python may not
            self._headers["Host"] = parts.netloc
            self._base = f"{parts.scheme}://127.0.0.1:{parts.port}"
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self.call("GET", f"/?{parts.query}", read=False)

    def call(self, method: str, path: str, body: Any = None, read: bool = True) -> Any:
        """Send a request; one that changes something needs the token that Jupyter has set as a cookie."""
        xsrf = next((cookie.value or "" for cookie in self._cookies if cookie.name == "_xsrf"), "")
        headers = {**self._headers, "X-XSRFToken": xsrf, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers, method=method)  # noqa: S310  # AWS has given the address
        with self._opener.open(request, timeout=SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if read and text else None

    def report(self, name: str) -> dict[str, Any] | None:
        """Return a report of the probe from the volume, or None if it cannot be read yet."""
        try:
            content = self.call("GET", f"/api/contents/{name}")["content"]
        except (urllib.error.HTTPError, ConnectionError, TimeoutError):
            return None
        report: dict[str, Any] = json.loads(content)
        return report
