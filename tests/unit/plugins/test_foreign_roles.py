# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A role of another account, which AWS refuses for an instance, is reported before anything is created."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.plans.platform import foreign_roles
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import preflight
from ansible_collections.datalab.notebooks.tests.unit.plugins.inventories import inventory

OURS, OTHERS = "arn:aws:iam::123456789012:role/datalab/x", "arn:aws:iam::999999999999:role/x"
RULE = f"is {OTHERS}; it must be a role of the account 123456789012, which the instances are in: take one of its own"


@pytest.mark.parametrize(
    ("alice", "shared", "told"),
    [
        ({}, {}, []),
        ({"notebook_role_arn": OURS}, {"platform_access_role_arn": OURS, "notebook_fleet_role_arn": OURS}, []),
        ({"notebook_role_arn": OTHERS}, {}, [f"alice: notebook_role_arn {RULE}"]),
        ({}, {"platform_access_role_arn": OTHERS}, [f"access: platform_access_role_arn {RULE}"]),
        ({}, {"notebook_fleet_role_arn": OTHERS}, [f"everybody: notebook_fleet_role_arn {RULE}"]),
    ],
)
def test_roles_of_another_account(alice: dict[str, str], shared: dict[str, str], told: list[str]) -> None:
    source = inventory({"research": ["alice", "bob"]}, variables={"alice": alice}, shared=shared)
    wanted, problems = preflight(source, ["access", "fleet"])
    assert problems == []
    found = [f"{each.about}: {each.text}" for each in foreign_roles(wanted, "123456789012")]
    assert [text.partition(", or leave")[0] for text in found] == told
