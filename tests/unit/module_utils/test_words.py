# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words of messages."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.words import counted

CASES = [
    ((0, "person", "people"), "0 people"),
    ((1, "person", "people"), "1 person"),
    ((2, "person", "people"), "2 people"),
    ((1, "day"), "1 day"),
    ((1200, "day"), "1,200 days"),
]


@pytest.mark.parametrize(("given", "text"), CASES)
def test_a_number_and_its_word_agree(given: tuple[int, str] | tuple[int, str, str], text: str) -> None:
    assert counted(*given) == text
