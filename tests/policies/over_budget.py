# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people of a team that has spent its budget may do, and what AWS Budgets may do to enforce it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .asking import ALICE, OWN, ROLE, Decision, Thing, Who
from .simulator import ACCOUNT, Request

IAM = f"arn:aws:iam::{ACCOUNT}:"
DENIAL = f"{IAM}policy/datalab/costs/datalab-over-budget-research"


def of_teams_over_budget() -> Iterator[Decision]:
    """Yield all decisions about a team that has spent its budget."""
    has = [*ALICE.asks_as.identity, "datalab-over-budget-research"]
    who = Who("alice, whose team has spent its budget,", replace(ALICE.asks_as, identity=has))
    for verb in ("Create", "Start"):
        yield who.must_not("has one more run", f"sagemaker:{verb}NotebookInstance", OWN["alice"])
    for verb in ("StopNotebookInstance", "CreatePresignedNotebookInstanceUrl"):
        yield who.may("works on with what runs", f"sagemaker:{verb}", OWN["alice"])
    yield from _of_aws_budgets()


def _of_aws_budgets() -> Iterator[Decision]:
    arn = f"{ROLE}datalab/costs/datalab-budgets"
    who = Who("AWS Budgets", Request(arn, "", "", {}, ["datalab-budgets"]))
    people, denial = f"{IAM}group/datalab/datalab-people-research", {"iam:PolicyARN": DENIAL}
    others = [
        Thing(people, {"iam:PolicyARN": f"{IAM}policy/Admin"}),
        Thing(people, {"iam:PolicyARN": f"{IAM}policy/datalab/datalab-people-fraud"}),
        Thing(f"{IAM}group/admins", denial),
        Thing(people),
    ]
    for verb in ("AttachGroupPolicy", "DetachGroupPolicy"):
        yield who.may("denies a team, and lifts it", f"iam:{verb}", Thing(people, denial))
        for thing in others:
            yield who.may_not(f"does it otherwise: {thing.arn} {thing.context}", f"iam:{verb}", thing)
    trust = "datalab-trust-budgets"
    budgets = Who("AWS Budgets", Request("budgets.amazonaws.com", "", "", trust=trust))
    lambdas = Who("Lambda", Request("lambda.amazonaws.com", "", "", trust=trust))
    here = {"aws:SourceAccount": ACCOUNT}
    yield budgets.may("takes its role on", "sts:AssumeRole", Thing(arn), context=here)
    yield budgets.may_not(
        "does for another", "sts:AssumeRole", Thing(arn), context={"aws:SourceAccount": "210987654321"}
    )
    yield budgets.may_not("does for nobody", "sts:AssumeRole", Thing(arn))
    yield budgets.may_not("sets tags of the session", "sts:TagSession", Thing(arn), context=here)
    yield lambdas.may_not("takes its role on", "sts:AssumeRole", Thing(arn), context=here)
