# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to AWS, and the rate at which they go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from ansible_collections.datalab.notebooks.plugins.module_utils import pace as module
from ansible_collections.datalab.notebooks.plugins.module_utils.pace import Pace, paced_client


class Turns:
    """Time as everybody who waits would see it: none passes, and the ends of all waits are kept."""

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
        list(pool.map(lambda _: pace(), range(9)))
    assert sorted(turns.ends) == [100 + n / 4 for n in range(9)]


def test_what_was_not_used_is_not_saved_up(turns: Turns) -> None:
    pace = Pace(4)
    pace()
    turns.now = 200.0
    pace()
    pace()
    assert turns.ends == [100.0, 200.0, 200.25]


def test_each_attempt_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    answers = [429, 429, 200]

    class Counting(Pace):
        def __call__(self, **event: Any) -> None:
            counted.append(event["event_name"])

    session: Any = boto3.session.Session("none", "none", region_name="eu-central-1")
    module_with = SimpleNamespace(client=lambda service, config: session.client(service, config=config))
    sagemaker = paced_client(cast("Any", module_with), "sagemaker", Counting(1))

    def answer(request: Any, **_event: Any) -> AWSResponse:
        body = b'{"NotebookInstances": []}' if answers[0] == 200 else b'{"__type": "ThrottlingException"}'
        raw: Any = SimpleNamespace(stream=lambda **_: iter([body]))
        return AWSResponse(request.url, answers.pop(0), HTTPHeaders(), raw)

    sagemaker.meta.events.register_last("before-send", answer)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    assert counted == ["before-send.sagemaker.ListNotebookInstances"] * 3
