# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies grant what the table says and nothing else, and the table notices broken policies."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from ansible_collections.datalab.notebooks.tests.policies.asking import (
    ALLOWED,
    DENIED,
    EVERYTHING,
    FORBIDDEN,
    INSTANCES,
)
from ansible_collections.datalab.notebooks.tests.policies.decisions import DECISIONS
from ansible_collections.datalab.notebooks.tests.policies.mutants import HARMLESS, mutants
from ansible_collections.datalab.notebooks.tests.policies.operator import OPERATOR
from ansible_collections.datalab.notebooks.tests.policies.simulator import (
    APART,
    OPEN_FROM,
    POLICIES,
    ROLES,
    TAGGED,
    decide,
)


def test_the_policies_decide_as_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    documents = {**POLICIES, **APART, **OPEN_FROM, **TAGGED, **OPERATOR, **EVERYTHING}
    decided = decide(documents, [decision.request for decision in DECISIONS])
    wrong = [
        f"{decision}: {decided} instead of {decision.expected}"
        for decision, decided in zip(DECISIONS, decided, strict=True)
        if decided != decision.expected
    ]
    assert not wrong, "\n".join(wrong)
    counted = Counter(decision.expected for decision in DECISIONS)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(DECISIONS):,} decisions: {counted[ALLOWED]} allowed, {counted[DENIED]} denied,"
            f" {counted[FORBIDDEN]} forbidden\n"
        )


def test_the_table_notices_every_broken_statement(capsys: pytest.CaptureFixture[str]) -> None:
    broken = list(mutants({**POLICIES, **OPERATOR}))
    intact = {**POLICIES, **APART, **OPEN_FROM, **TAGGED, **OPERATOR, **EVERYTHING}
    documents = {**intact, **{str(mutant): mutant.document for mutant in broken}}
    cases = [(mutant, decision) for mutant in broken for decision in DECISIONS if mutant.concerns(decision.request)]
    decided = decide(documents, [mutant.instead(decision.request) for mutant, decision in cases], checked=True)
    noticed = {mutant for (mutant, decision), now in zip(cases, decided, strict=True) if now != decision.expected}
    unnoticed = [mutant for mutant in broken if mutant not in noticed]
    assert not [str(mutant) for mutant in unnoticed if (mutant.sid, mutant.broken) not in HARMLESS]
    assert {(mutant.sid, mutant.broken) for mutant in unnoticed} == set(HARMLESS)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(broken)} broken policies, {len(noticed)} noticed, {len(unnoticed)} harmless;"
            f" {len(cases):,} decisions\n"
        )


def test_the_roles_have_the_tags_and_policies_that_the_table_takes_for_granted() -> None:
    for who in INSTANCES.values():
        session = who.asks_as
        role = ROLES[session.principal.split("/")[1]]
        assert {f"aws:PrincipalTag/{key}": value for key, value in role.tags.items()} == session.context
        assert [role.policy] == session.identity
