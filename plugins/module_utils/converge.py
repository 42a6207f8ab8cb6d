# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries plans out: all instances at once, in one polling loop."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import api
from .errors import NotebookError
from .instance import RESTART_TAG
from .plan import Plan, Step

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

STOPPED = frozenset({"Stopped", "Failed"})
GONE = frozenset({None})

FIRST_DELAY = 0.25  # seconds between two looks at the states; grows, since a start takes minutes on AWS
LONGEST_DELAY = 5.0
RESEND_AFTER = 30.0  # seconds; a Start is sometimes accepted and not acted on
DESCRIBE_UP_TO = 10  # instances; a page of ListNotebookInstances is cheaper beyond

Report = Callable[[Counter[str], int, float], None]


@dataclass(frozen=True)
class Move:
    """What an action does to the state of an instance."""

    call: Callable[[SageMakerClient, Job, Step], Any] | None
    sent_from: frozenset[str | None] | None = None  # None: from any
    leads_to: frozenset[str | None] | None = None  # None: it leaves the state alone


@dataclass
class Job:
    """A plan on its way."""

    plan: Plan
    status: str | None
    steps: deque[Step] = field(init=False)
    sent: float | None = None  # when the call of steps[0] was made (time.monotonic)
    sent_at_status: str | None = None
    moved: bool = False  # whether the state has changed since
    error: NotebookError | None = None

    def __post_init__(self) -> None:
        self.steps = deque(self.plan.steps)

    @property
    def name(self) -> str:
        return self.plan.desired.name

    @property
    def arn(self) -> str:
        if self.plan.current is None:
            raise ValueError(f"{self.name} is still to be created")
        return self.plan.current.arn

    @property
    def open(self) -> bool:
        return bool(self.steps) and self.error is None


MOVES = {
    "set_tags": Move(lambda client, job, step: api.add_tags(client, job.arn, step.params)),
    "delete_tags": Move(lambda client, job, step: api.delete_tags(client, job.arn, step.params)),
    "mark": Move(lambda client, job, step: api.add_tags(client, job.arn, {RESTART_TAG: "true"})),
    "unmark": Move(lambda client, job, step: api.delete_tags(client, job.arn, [RESTART_TAG])),
    "create": Move(
        lambda client, job, step: api.create_notebook_instance(client, job.name, step.params),
        GONE,
        frozenset({"InService"}),
    ),
    "stop": Move(
        lambda client, job, step: api.stop_notebook_instance(client, job.name),
        frozenset({"InService"}),
        frozenset({"Stopped"}),
    ),
    "update": Move(
        lambda client, job, step: api.update_notebook_instance(client, job.name, step.params),
        STOPPED,
        frozenset({"Stopped"}),
    ),
    "start": Move(
        lambda client, job, step: api.start_notebook_instance(client, job.name), STOPPED, frozenset({"InService"})
    ),
    "delete": Move(lambda client, job, step: api.delete_notebook_instance(client, job.name), STOPPED, GONE),
    "await_running": Move(None, leads_to=frozenset({"InService"})),
    "await_stopped": Move(None, leads_to=STOPPED),
    "await_gone": Move(None, leads_to=GONE),
}


# States in which there is nothing left to do for a step.
ALREADY = {"stop": STOPPED, "start": frozenset({"InService"}), "delete": GONE}


def converge(
    client: SageMakerClient, plans: list[Plan], *, wait: bool, wait_timeout: float, report: Report
) -> dict[str, NotebookError]:
    """Carries out the plans and returns the errors by instance name; one that fails does not stop the others.

    Without `wait` it returns as soon as the last call of each plan has been made; the steps between (an update that
    needs a stop first) are waited for all the same. `wait_timeout` is in seconds, for all of them together.
    """
    jobs = [Job(plan, plan.current.status if plan.current else None) for plan in plans]
    began, delay = time.monotonic(), FIRST_DELAY
    while True:
        api.in_parallel(lambda job: _advance(client, job, wait), [job for job in jobs if job.open])
        left = [job for job in jobs if job.open]
        elapsed = time.monotonic() - began
        if not left or elapsed > wait_timeout:
            break
        report(Counter(str(job.status) for job in left), len(jobs), elapsed)
        time.sleep(delay)
        delay = min(delay * 1.5, LONGEST_DELAY)
        _look(client, left)
    for job in left:
        goal = job.steps[0].action.replace("_", " ")
        state = job.status or "not there"
        text = f"{job.name} is still {state} after {elapsed:.0f} s (wait_timeout), on the way to: {goal}"
        job.error = NotebookError(text)
    return {job.name: job.error for job in jobs if job.error}


def _look(client: SageMakerClient, jobs: list[Job]) -> None:
    """Reads the states of the instances, with as few calls as possible."""
    if len(jobs) <= DESCRIBE_UP_TO:
        api.in_parallel(lambda job: _look_at(client, job), jobs)
        return
    try:
        summaries = {summary["NotebookInstanceName"]: summary for summary in api.list_notebook_instances(client)}
    except NotebookError as error:
        for job in jobs:
            job.error = error
        return
    for job in jobs:
        job.status = summaries.get(job.name, {}).get("NotebookInstanceStatus")


def _look_at(client: SageMakerClient, job: Job) -> None:
    try:
        answer = api.describe_notebook_instance(client, job.name)
    except NotebookError as error:
        job.error = error
        return
    job.status = answer["NotebookInstanceStatus"] if answer else None


def _advance(client: SageMakerClient, job: Job, wait: bool) -> None:
    """Takes as many steps as the state of the instance allows."""
    try:
        while job.steps and _step(client, job, wait):
            job.steps.popleft()
            job.sent = None
    except NotebookError as error:
        job.error = error


def _step(client: SageMakerClient, job: Job, wait: bool) -> bool:
    """Whether the first step is done; makes its call when the time for it has come."""
    step, move = job.steps[0], MOVES[job.steps[0].action]
    if job.sent is not None:
        return _arrived(client, job, move)
    if move.call is None:
        job.sent, job.sent_at_status, job.moved = time.monotonic(), job.status, True
        return not wait or _arrived(client, job, move)
    if step.action in ALREADY and job.status in ALREADY[step.action]:
        return True  # somebody else was faster
    if move.sent_from is not None and job.status not in move.sent_from:
        return False
    move.call(client, job, step)
    job.sent, job.sent_at_status, job.moved = time.monotonic(), job.status, False
    is_last = all(MOVES[later.action].leads_to is None for later in list(job.steps)[1:])
    return move.leads_to is None or (is_last and not wait)


def _arrived(client: SageMakerClient, job: Job, move: Move) -> bool:
    """Whether the instance is where the step leads to; sends the call again if nothing has happened."""
    if move.leads_to is None or job.status in move.leads_to:
        return True
    job.moved = job.moved or job.status != job.sent_at_status
    if job.status == "Failed" and job.moved:
        raise NotebookError(f"{job.name} is Failed: {_failure_reason(client, job)}")
    if job.status is None and job.moved:
        raise NotebookError(f"{job.name} is gone; somebody else has deleted it")
    if not job.moved and job.steps[0].action == "start" and time.monotonic() - (job.sent or 0) > RESEND_AFTER:
        api.start_notebook_instance(client, job.name)
        job.sent = time.monotonic()
    return False


def _failure_reason(client: SageMakerClient, job: Job) -> str:
    answer = api.describe_notebook_instance(client, job.name) or {}
    return str(answer.get("FailureReason") or "AWS gives no reason")
