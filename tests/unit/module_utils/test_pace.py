# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rate of requests to AWS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from ansible_collections.datalab.notebooks.plugins.module_utils.common import pace as module
from ansible_collections.datalab.notebooks.plugins.module_utils.common.pace import Pace, paced_client


class Turns:
    """A clock on which no time passes; it records when each wait would end."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ends: list[float] = []
        self._lock = Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.ends.append(self.now + seconds)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    turns = Turns()
    monkeypatch.setattr(module, "time", turns)
    return turns


def test_threads_take_turns(turns: Turns) -> None:
    pace = Pace(4)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.wait(), range(9)))
    assert sorted(turns.ends) == [100 + n / 4 for n in range(9)]


def test_unused_requests_are_not_saved_up(turns: Turns) -> None:
    pace = Pace(4)
    pace.wait()
    turns.now = 200.0
    pace.wait()
    pace.wait()
    assert turns.ends == [100.0, 200.0, 200.25]


def gaps(pace: Pace, turns: Turns, requests: int) -> list[float]:
    """The seconds between the next requests."""
    turns.ends.clear()
    for _ in range(requests + 1):
        pace.wait()
    return [round(later - earlier, 6) for earlier, later in pairwise(turns.ends)]


THROTTLED: tuple[None, dict[str, Any]] = (None, {"Error": {"Code": "ThrottlingException"}})
DONE: tuple[None, dict[str, Any]] = (None, {})


def test_throttling_slows_requests_down_and_success_speeds_them_up(turns: Turns) -> None:
    pace = Pace(10)
    for response, seconds in [(THROTTLED, 0.2), (THROTTLED, 0.4), (DONE, 0.32), (None, 0.256), (THROTTLED, 0.5)]:
        pace.hear(response=response)
        assert gaps(pace, turns, 2) == [seconds] * 2
    for _ in range(99):
        pace.hear(response=THROTTLED)
    assert gaps(pace, turns, 1) == [0.5]
    for _ in range(99):
        pace.hear(response=DONE)
    assert gaps(pace, turns, 1) == [0.1]


def test_a_pace_that_is_slower_than_any_throttling_stays(turns: Turns) -> None:
    pace = Pace(0.5)
    pace.hear(response=THROTTLED)
    pace.hear(response=DONE)
    assert gaps(pace, turns, 1) == [2.0]


def test_each_attempt_is_paced_and_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker_answers = [(400, b'{"__type": "ThrottlingException"}')] * 2 + [(200, b'{"NotebookInstances": []}')]
    seen: list[str] = []

    class Watched(Pace):
        def wait(self, **event: Any) -> None:
            seen.append(event["event_name"])

        def hear(self, response: Any, **_event: Any) -> None:
            seen.append(response[1].get("Error", {}).get("Code", "done"))

    session: Any = boto3.session.Session("none", "none", region_name="eu-central-1")
    sagemaker = paced_client(cast("Any", SimpleNamespace(client=session.client)), "sagemaker", Watched(1))

    def answer(request: Any, **_event: Any) -> AWSResponse:
        status, body = sagemaker_answers.pop(0)
        raw: Any = SimpleNamespace(stream=lambda **_: iter([body]))
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    sagemaker.meta.events.register_last("before-send", answer)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    sent = "before-send.sagemaker.ListNotebookInstances"
    assert seen == [sent, "ThrottlingException", sent, "ThrottlingException", sent, "done"]
