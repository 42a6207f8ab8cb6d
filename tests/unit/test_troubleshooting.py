# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each message about a refusal or failure names a remedy, or docs/troubleshooting.md has the message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# A remedy is named by a verb at the beginning of a clause, or by a rule, since it says which values are allowed.
VERBS = (
    "add|allow|ask|build|choose|correct|create|delete|deliver|detach|give|have|install|leave|let|look|make|move|name|put"
    "|remove|rename|run|save|say|see|set|stop|take|try|upgrade|use|wait|write"
)
RULE = r"\bmust\b|did you mean|which asks for|instead|the next run|-e \w+="
REMEDY = re.compile(rf"(?:^|[.;:,(] |\b(?:or|and|then|so) )(?:\{{\{{ ')?(?:{VERBS})\b|{RULE}", re.IGNORECASE)
SAYS = {
    "InputError",
    "NotebookError",
    "NotDeployable",
    "AnsibleActionFail",
    "AnsibleError",
    "AnsibleParserError",
    "Problem",
}
RULES = re.compile(r"problem|violation|refus|_range|_rule")  # names of functions that yield or return sentences
REMEDIES = {"hint", "meant"}  # names of functions that return the end of a sentence, with a suggestion
UNKNOWN = "…"
SHORT = 12  # fewer characters of a message may be on the page by chance

Texts = dict[str, list[ast.AST]]


def names_of(tree: ast.AST) -> Texts:
    """Return the values that a file assigns to each name, and those that each function() returns."""
    found: Texts = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                found.setdefault(name, []).append(value) if value else None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
            found[f"{node.name}()"] = list(returned)
    return found


def text_of(node: ast.AST, names: Texts | None = None) -> str:
    """Return the constant parts of a text; the rest is known only when it is printed."""
    names = names or {}
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left, names) + text_of(right, names)
        case ast.Name(id=name) if name in names:
            return known(name, names)
        case ast.Call(func=ast.Name(id=name)):
            return "; did you mean …?" if name in REMEDIES else known(f"{name}()", names)
    parts, between = parts_in(node)
    return between.join(text_of(part, names) for part in parts) or UNKNOWN


def parts_in(node: ast.AST) -> tuple[Sequence[ast.AST], str]:
    """Return the parts of a text, and the text between them; nothing if the text is not known."""
    match node:
        case ast.JoinedStr(values=parts):
            return parts, ""
        case ast.IfExp(body=one, orelse=other):
            return [one, other], " "
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts, " "
        case ast.FormattedValue(value=part) | ast.Call(func=ast.Attribute(value=part, attr="format")):
            return [part], ""
    return [], ""


def known(name: str, names: Texts) -> str:
    """Return the possible values of a name."""
    others = {key: value for key, value in names.items() if key != name}
    return " ".join(dict.fromkeys(text_of(each, others) for each in names.get(name, ()))) or UNKNOWN


def said(path: Path) -> Iterator[str]:
    """Return the messages of a Python file: of errors, of problems, and those that its rules yield or return."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = names_of(tree)
    in_checks = path.parent.name in {"checks", "plans"} or path.stem in {"roster", "people", "values", "operator"}
    rules = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and RULES.search(each.name)]
    of_rules = {id(node) for rule in rules for node in ast.walk(rule)}
    for node in ast.walk(tree):
        is_rule = id(node) in of_rules
        match node:
            case ast.Call(func=ast.Name(id=name), args=[*_, last]) if name in SAYS:
                yield text_of(last if name == "Problem" else node.args[0], names)
            case ast.Call(func=ast.Attribute(attr="fail_json"), keywords=[ast.keyword(arg="msg", value=value), *_]):
                yield text_of(value, names)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="problems"), attr="append"), args=[value]):
                yield text_of(value, names)
            case ast.AugAssign(target=ast.Name(id="problems"), value=ast.List(elts=values)):
                yield from (text_of(value, names) for value in values)
            case ast.AugAssign(target=ast.Name(id="problems"), value=ast.ListComp(elt=value)):
                yield text_of(value, names)
            case ast.Yield(value=ast.JoinedStr() | ast.Constant() as value) if in_checks or is_rule:
                yield text_of(value, names)
            case ast.Return(value=ast.JoinedStr() as value) if is_rule:
                yield text_of(value, names)


def of_playbooks(node: Any) -> Iterator[str]:
    """Return the messages of assertions and failures."""
    if isinstance(node, dict):
        said = [node.get("fail_msg"), (node.get("ansible.builtin.fail") or {}).get("msg")]
        chosen = [text for text in (node.get("vars") or {}).values() if isinstance(text, str)]
        yield from (" ".join([text, *chosen]) for text in said if isinstance(text, str))
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from of_playbooks(each)


def messages() -> dict[str, list[str]]:
    """Return all messages, by file."""
    found = {path: list(said(path)) for path in (ROOT / "plugins").rglob("*.py")}
    for part in ("playbooks", "roles/*/tasks"):
        for path in ROOT.glob(f"{part}/**/*.yml"):
            found[path] = list(of_playbooks(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return {str(path.relative_to(ROOT)): texts for path, texts in found.items() if texts}


def notices() -> Iterator[str]:
    """Return a start's notices to the person of the instance."""
    for path in (ROOT / "roles" / "notebook_host").glob("*/**/*.*"):
        if path.suffix in {".j2", ".sh"}:
            sentences = re.findall(r'\bnotice [^\n;]*?"([A-Z](?:\\.|[^"\\])*)', path.read_text(encoding="utf-8"))
            yield from (re.sub(r"\$\{?\w+\}?|\\$", UNKNOWN, sentence) for sentence in sentences)


def parts_of(text: str) -> list[str]:
    """Return the constant parts of a message."""
    return [part.strip(" :;,.'()") for part in re.split(r"…|\{\{.*?\}\}", text, flags=re.DOTALL)]


def chosen_in(text: str) -> list[str]:
    """Return the alternatives in the templates of a message."""
    return re.findall(rf"'([^']{{{SHORT},}})'", text) if "{{" in text else []


def passes_on(text: str) -> bool:
    """Return whether a message only passes on another, perhaps after a name; that one is checked where it is made."""
    is_template = "{{" in text and not any([*parts_of(text), *chosen_in(text)])
    return is_template or bool(re.fullmatch(r"\s*(?:[\w.…]+[:.] ?)?…", text))


def explained(text: str) -> bool:
    """Return whether a message names a remedy or passes one on, or the page has its longest part or all of it."""
    longest = max(parts_of(text), key=len)
    long_ones = [part for part in [longest, *chosen_in(text)] if len(part) >= SHORT]
    on_page = any(part in PAGE for part in long_ones) or f"`{text.removesuffix('; …')}`" in PAGE
    return passes_on(text) or bool(REMEDY.search(text)) or on_page


MESSAGES = messages()


def test_there_are_messages() -> None:
    made = [text for texts in MESSAGES.values() for text in texts if not passes_on(text)]
    assert len(made) > 330


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
    [
        ("platform_x is …; it must be a network", True),
        ("… is a mystery to everybody", False),
        ("Failed to put the mystery of …", False),
        ("… is the name of a mystery: …", False),
        ("… needs more; set it", True),
        ("… is …; …", False),
        ("…", True),
        ("tags: …", True),
        ("the mystery failed: …", False),
        ("{{ result.msg }}", True),
        ("{{ 'a mystery to everybody' if x else result.msg }}", False),
    ],
)
def test_messages_that_count_as_explained(text: str, has: bool) -> None:
    assert explained(text) is has
