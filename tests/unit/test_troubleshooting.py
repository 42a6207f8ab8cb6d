# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each refusal and failure that the collection can print names a remedy, or docs/troubleshooting.md has it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# What tells a person what to do. A rule does ("it must be"), since it says what is taken instead.
REMEDY = re.compile(
    r"\b(?:must|did you mean|set|say|use|run|leave|add|remove|delete|choose|ask|detach|look at|try|put|make|create"
    r"|give|name|instead|the next run|goes on)\b|-e \w+=",
    re.IGNORECASE,
)
SAYS = {"InputError", "NotebookError", "AnsibleActionFail", "AnsibleError", "AnsibleParserError", "Problem"}
UNKNOWN = "…"


def text_of(node: ast.AST) -> str:
    """What is written of a text; the rest of it is known when it is printed only."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(text_of, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left) + text_of(right)
        case ast.IfExp(body=one, orelse=other):
            return f"{text_of(one)} {text_of(other)}"
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return " ".join(map(text_of, parts))
    return UNKNOWN


def said(path: Path) -> Iterator[str]:
    """The sentences of a Python file: of errors, of problems, and those that a check yields."""
    in_checks = path.parent.name in {"checks", "plans"} or path.stem in {"roster", "people", "values", "operator"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[*_, last]) if name in SAYS:
                yield text_of(last if name == "Problem" else node.args[0])
            case ast.Yield(value=ast.JoinedStr() | ast.Constant() as value) if in_checks:
                yield text_of(value)


def of_playbooks(node: Any) -> Iterator[str]:
    """The messages of assertions."""
    if isinstance(node, dict):
        yield from ([node["fail_msg"]] if isinstance(node.get("fail_msg"), str) else [])
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from of_playbooks(each)


def messages() -> dict[str, list[str]]:
    """All of them by file."""
    found = {path: list(said(path)) for path in (ROOT / "plugins").rglob("*.py")}
    for part in ("playbooks", "roles/*/tasks"):
        for path in ROOT.glob(f"{part}/**/*.yml"):
            found[path] = list(of_playbooks(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return {str(path.relative_to(ROOT)): texts for path, texts in found.items() if texts}


def notices() -> Iterator[str]:
    """What a start tells a person on the instance."""
    for path in (ROOT / "roles" / "notebook_host").glob("*/**/*.*"):
        if path.suffix in {".j2", ".sh"}:
            sentences = re.findall(r'\bnotice [^\n;]*?"([A-Z](?:\\.|[^"\\])*)', path.read_text(encoding="utf-8"))
            yield from (re.sub(r"\$\{?\w+\}?|\\$", UNKNOWN, sentence) for sentence in sentences)


def parts_of(text: str) -> list[str]:
    """What is always the same in a message."""
    return [part.strip(" :;,.'()") for part in re.split(r"…|\{\{.*?\}\}", text)]


def explained(text: str) -> bool:
    """Whether a message names a remedy, or the page has the longest part of it."""
    return bool(REMEDY.search(text)) or max(parts_of(text), key=len) in PAGE


MESSAGES = messages()


def test_there_are_messages() -> None:
    assert sum(map(len, MESSAGES.values())) > 200


@pytest.mark.parametrize("file", sorted(MESSAGES))
def test_each_message_names_a_remedy_or_is_found_on_the_page(file: str) -> None:
    assert [text for text in MESSAGES[file] if not explained(text)] == []


def test_the_page_has_each_notice_on_an_instance() -> None:
    told = list(notices())
    assert len(told) > 4
    sentences = {text: [part for part in re.split(rf'[.,:("\\{UNKNOWN}]', text) if len(part) > 12] for text in told}
    assert [text for text, parts in sentences.items() if not any(part.strip() in PAGE for part in parts)] == []


@pytest.mark.parametrize(
    ("text", "has"),
    [("platform_x is …; it must be a network", True), ("… is a mystery to everybody", False), ("…", True)],
)
def test_what_counts_as_explained(text: str, has: bool) -> None:
    assert explained(text) is has
