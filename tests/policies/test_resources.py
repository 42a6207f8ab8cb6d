# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of endpoints and the file system do what their tables say, and the tables notice broken policies."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.tests.policies import endpoints, file_system
from ansible_collections.datalab.notebooks.tests.policies.asking import Decision
from ansible_collections.datalab.notebooks.tests.policies.mutants import mutants
from ansible_collections.datalab.notebooks.tests.policies.simulator import Policies, decide

TABLES = {
    "endpoints": (endpoints.POLICIES, endpoints.HELPERS, endpoints.DECISIONS),
    "file system": (file_system.POLICIES, file_system.HELPERS, file_system.DECISIONS),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_policies_decide_as_the_table_says(table: str) -> None:
    policies, helpers, decisions = TABLES[table]
    decided = decide({**policies, **helpers}, [decision.request for decision in decisions])
    wrong = [
        f"{decision} on {decision.request.resource}: {decided} instead of {decision.expected}"
        for decision, decided in zip(decisions, decided, strict=True)
        if decided != decision.expected
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("table", TABLES)
def test_the_table_notices_every_broken_statement(table: str) -> None:
    policies, helpers, decisions = TABLES[table]
    assert unnoticed(policies, helpers, decisions) == []


def unnoticed(policies: Policies, helpers: Policies, decisions: list[Decision]) -> list[str]:
    """Return the broken policies that change no decision."""
    broken = list(mutants(policies))
    documents = {**policies, **helpers, **{str(mutant): mutant.document for mutant in broken}}
    cases = [(mutant, decision) for mutant in broken for decision in decisions if mutant.concerns(decision.request)]
    decided = decide(documents, [mutant.instead(decision.request) for mutant, decision in cases], checked=True)
    noticed = {mutant for (mutant, decision), now in zip(cases, decided, strict=True) if now != decision.expected}
    return [str(mutant) for mutant in broken if mutant not in noticed]
