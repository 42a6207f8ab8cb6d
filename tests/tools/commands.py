# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of README.md, docs and the roles' READMEs: `make package` runs each, except those that it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .collection import ROOT

BLOCK = re.compile(r"^( *)```(sh|bash|console)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Commands that begin with one of these are run as they are written.
TYPED = (
    "ansible-galaxy collection install datalab-notebooks-",
    "ansible-playbook datalab.notebooks.",
    "aws iam create-policy ",
    "cp -r ~/.ansible/collections/",
    "install -D ",
)
# Commands that begin with one of these are not run, for the given reason.
NOT_TYPED = {
    "make ": "a target of a checkout; `make test` runs the checks there, and tests/sandbox the demo and the sandbox",
    "python3 -m pip install 'ansible>=": "asks PyPI",
    "ansible-galaxy collection install datalab.notebooks": "asks Galaxy",
    "ansible-playbook datalab.notebooks.deploy ": "needs a Kubernetes cluster; tests/deliver has a stand-in",
    "ansible-playbook datalab.notebooks.stand_in ": "needs a machine to log in to; the scenario stand_in has one",
    ".venv/bin/ansible-playbook ": "in a checkout, with instances that run; tests/laptop opens and stops one",
    "AWS_ACCESS_KEY_ID=sandbox ": "in a checkout, with instances that run",
    "conda ": "on an instance; the scenario restart creates an environment in the same way",
    "pip install jmespath": "on an instance; the scenario first_start has it",
    "/usr/local/libexec/datalab/run ": "on an instance; the scenario autostop runs it",
    "datalab-hold ": "on an instance; the scenario autostop has one",
    "datalab ": "on an instance; tests/deliver runs each of them",
}
# Commands that are refused as they are written, with this message, as their page says.
REFUSED = {"ansible-playbook datalab.notebooks.destroy -i my-platform": "Nothing was removed. -e platform_"}


def commands(text: str) -> Iterator[str]:
    """Yield the commands in the shell blocks of a page, as they are written; in a console they follow a $."""
    for indent, language, block in BLOCK.findall(text):
        lines = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
        whole = re.findall(r"^(?:.*\\\n)*.+$", lines, re.MULTILINE)  # a command may go on in the next line
        if language == "console":
            yield from (line.removeprefix("$ ") for line in whole if line.startswith("$ "))
        else:
            yield from whole


def pages() -> list[Path]:
    """Return README.md, docs and the roles' READMEs in the index's order; last, the page that removes the platform."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = [(ROOT / "docs" / link).resolve() for link in re.findall(r"\]\(([\w./-]+\.md)\)", index)]
    found = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").glob("*/README.md")}
    last = ROOT / "docs" / "platform.md"
    return sorted(found, key=lambda page: (page == last, listed.index(page) if page in listed else len(listed), page))


def is_typed(command: str) -> bool:
    """Return whether the command is run; raise ValueError if no table has it."""
    left_out = any(map(command.startswith, NOT_TYPED))
    if not left_out and not command.startswith(TYPED):
        raise ValueError(
            f"{command}: tests/tools/commands.py must list it as a command to run, or say why it cannot be run"
        )
    return not left_out


def words(command: str) -> str:
    """Return a command without its comment and without extra spaces, to recognize it."""
    return " ".join(command.partition(" #")[0].split())


def refusal(command: str) -> str:
    """Return the message by which a command is refused; most commands have none."""
    return REFUSED.get(words(command), "")
