# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A secret URL on its way to the browser."""

from __future__ import annotations

import re
import webbrowser
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest

from ansible_collections.datalab.notebooks.plugins.action.browser import lead_to

SECRET = "https://datalab-alice.notebook.example?authToken=secret"
Come = Callable[[str], object]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def open_with(monkeypatch: pytest.MonkeyPatch, come: Come, timeout: float = 10) -> bool:
    """Return whether the browser asked for the URL; `come` acts as the browser."""
    done = Event()

    def open_and_tell(given: str) -> None:
        come(given)
        done.set()

    monkeypatch.setattr(webbrowser, "open", open_and_tell)
    came = lead_to(SECRET, timeout)
    assert done.wait(10)
    return came


def page_of(given: str) -> Path:
    return Path(urlsplit(given).path)


def address_in(given: str) -> str:
    (address,) = set(re.findall(r"http://127[^\"]+", page_of(given).read_text(encoding="utf-8")))
    return str(address)


def ask(address: str) -> HTTPResponse:
    place = urlsplit(address)
    connection = HTTPConnection(place.netloc, timeout=10)
    connection.request("GET", place.path)
    return connection.getresponse()


def test_the_browser_is_led_to_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    led: list[tuple[str | None, str | None]] = []

    def come(given: str) -> None:
        answer = ask(address_in(given))
        led.append((answer.getheader("Location"), answer.getheader("Referrer-Policy")))

    assert open_with(monkeypatch, come)
    assert led == [(SECRET, "no-referrer")]


def test_the_process_list_shows_no_usable_url(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    seen: list[str] = []

    def come(given: str) -> None:
        seen.append(given)
        page = page_of(given)
        assert home in page.parents
        assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        seen.append(address_in(given))
        assert "authToken" not in page.read_text(encoding="utf-8")
        ask(seen[1])

    assert open_with(monkeypatch, come)
    given, address = seen
    assert given.startswith("file:///")
    assert urlsplit(address).path.strip("/") not in given
    assert list(home.iterdir()) == []


def test_without_the_secret_of_the_file_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []

    def come(given: str) -> None:
        place = urlsplit(address_in(given))
        paths = ("/", "/x", f"{place.path}x", place.path)
        statuses.extend(ask(f"http://{place.netloc}{path}").status for path in paths)

    assert open_with(monkeypatch, come)
    assert statuses == [404, 404, 404, 302]


def test_a_browser_that_does_not_come_leaves_no_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert not open_with(monkeypatch, lambda given: None, timeout=0.1)
    assert list(home.iterdir()) == []
