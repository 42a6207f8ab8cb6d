# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Applies plans: to all instances at once, in one polling loop."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..common.calls import in_parallel
from ..common.errors import NotebookError
from . import api
from .instance import RESTART_TAG, current_from_answer
from .plan import Plan, Step, different_fields

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_sagemaker import SageMakerClient

STOPPED = frozenset({"Stopped", "Failed"})
GONE = frozenset({None})

FIRST_DELAY = 0.25  # seconds between two looks at the states; grows, since a start takes minutes on AWS
LONGEST_DELAY = 5.0
RESEND_AFTER = 10.0  # seconds; a Start is sometimes accepted and not acted on, one that is shows at once
DESCRIBE_UP_TO = 10  # instances; a page of ListNotebookInstances is cheaper beyond

Report = Callable[[Counter[str], int, float], None]


@dataclass(frozen=True)
class Move:
    """The change of an instance's state by an action."""

    call: Callable[[SageMakerClient, Job, Step], Any] | None
    sent_from: frozenset[str | None] | None = None  # None: from any
    leads_to: frozenset[str | None] | None = None  # None: it leaves the state alone
    by_way_of: str | None = None  # the state between, which AWS shows as soon as it has accepted the call


@dataclass
class Job:
    """A plan on its way."""

    plan: Plan
    status: str | None
    steps: deque[Step] = field(init=False)
    modified: datetime | None = None  # the LastModifiedTime that goes with the status
    sent: float | None = None  # the time of the call of steps[0] (time.monotonic)
    sent_at: tuple[str | None, datetime | None] = (None, None)  # the status and its time then
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
        "Pending",
    ),
    "stop": Move(
        lambda client, job, step: api.stop_notebook_instance(client, job.name),
        frozenset({"InService"}),
        frozenset({"Stopped"}),
        "Stopping",
    ),
    "update": Move(
        lambda client, job, step: api.update_notebook_instance(client, job.name, step.params),
        STOPPED,
        frozenset({"Stopped"}),
        "Updating",
    ),
    "start": Move(
        lambda client, job, step: api.start_notebook_instance(client, job.name),
        STOPPED,
        frozenset({"InService"}),
        "Pending",
    ),
    "delete": Move(lambda client, job, step: api.delete_notebook_instance(client, job.name), STOPPED, GONE, "Deleting"),
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
    jobs = [
        Job(plan, plan.current.status, plan.current.last_modified) if plan.current else Job(plan, None)
        for plan in plans
    ]
    began, delay = time.monotonic(), FIRST_DELAY
    while True:
        in_parallel(lambda job: _advance(client, job, wait), [job for job in jobs if job.open])
        left = [job for job in jobs if job.open]
        elapsed = time.monotonic() - began
        if not left or elapsed > wait_timeout:
            break
        report(Counter(str(job.status) for job in left), len(jobs), elapsed)
        time.sleep(delay)
        delay = min(delay * 1.25, LONGEST_DELAY)
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
        in_parallel(lambda job: _look_at(client, job), jobs)
        return
    try:
        summaries = {summary["NotebookInstanceName"]: summary for summary in api.list_notebook_instances(client)}
    except NotebookError as error:
        for job in jobs:
            job.error = error
        return
    for job in jobs:
        _see(job, summaries.get(job.name))


def _look_at(client: SageMakerClient, job: Job) -> None:
    try:
        answer = api.describe_notebook_instance(client, job.name)
    except NotebookError as error:
        job.error = error
        return
    _see(job, answer)


def _see(job: Job, answer: Mapping[str, Any] | None) -> None:
    job.status = answer["NotebookInstanceStatus"] if answer else None
    job.modified = answer["LastModifiedTime"] if answer else None


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
        job.sent, job.moved = time.monotonic(), True
        return not wait or _arrived(client, job, move)
    if step.action in ALREADY and job.status in ALREADY[step.action]:
        return True  # another run was faster
    if move.sent_from is not None and job.status not in move.sent_from:
        return False
    _send(client, job)
    is_last = all(MOVES[later.action].leads_to is None for later in list(job.steps)[1:])
    return move.leads_to is None or (is_last and not wait)


def _send(client: SageMakerClient, job: Job) -> None:
    """Makes the call of the first step; one that fails may have worked, if its answer was lost."""
    step, move = job.steps[0], MOVES[job.steps[0].action]
    if move.call is None:
        raise ValueError(f"{step.action} is no call")
    try:
        move.call(client, job, step)
    except NotebookError:
        if not _has_worked(client, job):
            raise
    job.sent, job.sent_at, job.moved = time.monotonic(), (job.status, job.modified), False


def _has_worked(client: SageMakerClient, job: Job) -> bool:
    """Whether AWS shows the effect of a call that failed.

    botocore repeats a call that got no answer. If the first one has arrived, the second is refused: the name is taken
    (CreateNotebookInstance), or the instance is not in a state that allows it (all others).
    """
    step, move, desired = job.steps[0], MOVES[job.steps[0].action], job.plan.desired
    if move.leads_to is None:
        return False
    try:
        answer = api.describe_notebook_instance(client, job.name)
        tags = api.list_tags(client, answer["NotebookInstanceArn"]) if answer and step.action == "create" else {}
    except NotebookError:
        return False
    if (answer["NotebookInstanceStatus"] if answer else None) not in {move.by_way_of, *move.leads_to}:
        return False
    if answer is None or step.action not in {"create", "update"}:
        return True
    current = current_from_answer(answer, tags)
    wanted_tags = (desired.tags or {}) if step.action == "create" else {}
    return not different_fields(desired, current) and wanted_tags.items() <= current.tags.items()


def _arrived(client: SageMakerClient, job: Job, move: Move) -> bool:
    """Whether the instance has the state that the step leads to; repeats the call if nothing has happened."""
    if move.leads_to is None or job.status in move.leads_to:
        return True
    status, modified = job.sent_at
    # From Failed to Failed, only the time shows that another state was between.
    job.moved = job.moved or job.status != status or (job.status == "Failed" and job.modified != modified)
    if job.status == "Failed" and job.moved:
        raise NotebookError(f"{job.name} is Failed: {_failure_reason(client, job)}")
    if job.status is None and job.moved:
        raise NotebookError(f"{job.name} is gone; it was deleted during the run")
    if not job.moved and job.steps[0].action == "start" and time.monotonic() - (job.sent or 0) > RESEND_AFTER:
        _send(client, job)
    return False


def _failure_reason(client: SageMakerClient, job: Job) -> str:
    answer = api.describe_notebook_instance(client, job.name) or {}
    return str(answer.get("FailureReason") or "AWS gives no reason")
