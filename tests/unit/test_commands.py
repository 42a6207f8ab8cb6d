# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make package` runs each command of README.md, docs and the roles' READMEs, or a table says why it cannot."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.tests.tools.commands import (
    NOT_TYPED,
    REFUSED,
    TYPED,
    commands,
    is_typed,
    pages,
    refusal,
    words,
)

WRITTEN = [command for page in pages() for command in commands(page.read_text(encoding="utf-8"))]

PAGES = {
    "a console has output": ("```console\n$ one -x    # why\nits output\n\n$ two\n```\n", ["one -x    # why", "two"]),
    "a shell has none": ("```sh\none\ntwo\n```\n```bash\nthree\n```\n", ["one", "two", "three"]),
    "a command may go on": ("```console\n$ one \\\n  two \\\n  three\noutput\n```\n", ["one \\\n  two \\\n  three"]),
    "a block may be in a list": ("* text:\n\n  ```console\n  $ one \\\n      two\n  ```\n", ["one \\\n    two"]),
    "other blocks have none": ("```yaml\none: two\n```\n```\n$ three\n```\n`$ four`\n", []),
}


@pytest.mark.parametrize("case", PAGES)
def test_the_commands_of_a_page(case: str) -> None:
    text, written = PAGES[case]
    assert list(commands(text)) == written


def test_each_command_is_typed_or_has_its_reason() -> None:
    assert sum(map(is_typed, WRITTEN)) > 30
    with pytest.raises(ValueError, match=r"datalab_new: .* must list it"):
        is_typed("datalab_new")


@pytest.mark.parametrize("table", [TYPED, NOT_TYPED])
def test_each_line_of_the_tables_is_about_a_command(table: tuple[str, ...] | dict[str, str]) -> None:
    assert [start for start in table if not any(command.startswith(start) for command in WRITTEN)] == []


def test_what_is_refused_is_written_on_a_page() -> None:
    assert set(REFUSED) <= set(map(words, WRITTEN))
    assert refusal("ansible-playbook datalab.notebooks.destroy  -i my-platform   # why").startswith("Nothing was")
    assert refusal("ansible-playbook datalab.notebooks.destroy -i my-platform -e platform_destroy=data --check") == ""
