# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which version may follow which, and how keys of YAML files are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.tools.release import set_keys, wrong


@pytest.mark.parametrize(
    ("last", "version", "changes"),
    [
        ([], "0.1.0", {"minor_changes"}),
        (["0.1.0"], "0.1.1", {"bugfixes"}),
        (["0.1.0"], "0.2.0", {"minor_changes", "bugfixes"}),
        (["0.1.0"], "0.2.0", {"breaking_changes"}),
        (["0.1.0"], "1.0.0", {"bugfixes"}),
        (["0.9.0", "1.0.0", "0.10.0"], "1.0.1", {"security_fixes"}),
        (["1.0.0"], "2.0.0", {"removed_features"}),
    ],
)
def test_a_version_that_follows(last: list[str], version: str, changes: set[str]) -> None:
    assert not wrong(version, last, changes)


@pytest.mark.parametrize(
    ("last", "version", "changes", "remedy"),
    [
        ([], "1.0", {"bugfixes"}, "three numbers"),
        ([], "0.1.0", set(), "nothing to release"),
        (["0.1.0"], "0.1.0", {"bugfixes"}, "at least 0.1.1"),
        (["0.1.0"], "0.1.1", {"minor_changes"}, "at least 0.2.0"),
        (["0.10.0", "0.9.0"], "0.9.1", {"bugfixes"}, "at least 0.10.1"),
        (["1.2.3"], "1.3.0", {"breaking_changes"}, "at least 2.0.0"),
    ],
)
def test_one_that_does_not_is_told_with_the_least_one(
    last: list[str], version: str, changes: set[str], remedy: str
) -> None:
    assert remedy in wrong(version, last, changes)


def test_keys_are_replaced_or_added_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "galaxy.yml"
    path.write_text("version: 0.1.0\n# why\nname: notebooks\n")
    set_keys(path, version="0.2.0", repository="https://example.com", empty="")
    assert path.read_text() == "version: 0.2.0\n# why\nname: notebooks\n\nrepository: https://example.com\n"
