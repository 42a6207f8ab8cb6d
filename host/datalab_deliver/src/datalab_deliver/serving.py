# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A function that is served: what its calls in the notebook prove, and the additional files of its project."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat

from . import calling, cells, definitions, effects, project, rules, shapes, writer
from .arguments import Type
from .artifacts import LAMBDA
from .calling import Called
from .definitions import Definitions
from .foreseen import A_LAMBDA, Foreseen
from .kernel import Run
from .plain import same
from .refusal import Fault, Refused
from .source import Source, Statement

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Served:
    """A function of a notebook, with its statements."""

    called: Called
    statements: list[Statement]
    effects: list[effects.Effect]
    definitions: list[Statement] = field(default_factory=list)  # the definitions that the artifacts name


@dataclass(frozen=True)
class Answers:
    """The arguments of the calls, their types, and the answers."""

    types: dict[str, Type]
    optional: list[str]
    samples: list[dict[str, Any]]
    values: list[Any]
    made: dict[str, Any]  # the artifacts that can be compared


def find(read: Source, name: str, path: Path) -> Served:
    """Return the function and the code that it needs; Refused has the reasons if it cannot be served."""
    called = calling.find(read, name, path.name)
    known = effects.of(read.statements)
    served = Served(called, [read.statements[n] for n in called.numbers], [known[n] for n in called.numbers])
    faults = rules.faults(served.statements, served.effects, dict.fromkeys(called.artifacts, 0), {}, path)
    if faults:
        raise Refused(*faults)
    return served


def foresee(
    served: Served,
    read: Source,
    statements: Sequence[Statement],
    inputs: Mapping[str, str],
    nb: nbformat.NotebookNode,
    path: Path,
) -> None:
    """Raise Refused with what the text tells, before the notebook runs; `answers` and `defining` find the rest."""
    called = served.called
    foreseen = Foreseen(effects.Analysis(read.statements))
    named = {name: foreseen.named(name) for name in called.artifacts}
    faults = [unsaved(path.name, served, name, *LAMBDA) for name, inside in named.items() if A_LAMBDA in inside]
    faults += altering(called, {name: foreseen.kinds(name) for name in called.altered}, path.name)
    texts = [cell.source for _, cell in cells.code(nb) if "skip" not in cells.tags(cell)]
    if not any(re.search(rf"(?<!def )\b{called.name}\b", text) for text in texts):
        faults.append(uncalled(called, path.name))
    if faults:
        raise Refused(*faults)
    moved(read, set().union(*named.values()), statements, inputs, path)


def answers(served: Served, ran: Run, nb: nbformat.NotebookNode, tolerance: float, notebook: str) -> Answers:
    """Return the answers of a run; Refused has the reasons if they prove nothing."""
    called, found = served.called, ran.calls
    numbers = [number for number, cell in cells.code(nb) if not cells.LEFT_OUT & cells.tags(cell) - {"show"}]
    faults = [unsaved(notebook, served, name, *why) for name, why in found["unsaved"].items()]
    faults += altering(called, {name: {kind} for name, kind in found["kinds"].items()}, notebook)
    for count, what in found["wrong"] if not found["calls"] else []:
        remedy = "Let it take and return numbers, texts, lists, dicts, arrays or tables"
        faults.append(Fault(notebook, numbers[count - 1], f"{called.name} {what}", remedy))
    if not faults and not found["calls"]:
        faults.append(uncalled(called, notebook, " with less than 1 MB" if found["left_out"] else ""))
    for call in found["calls"]:
        for text in same(call["value"], call["now"], tolerance, called.name)[:1]:
            what = f"{called.name} returns something else at the end of the notebook than here: {text}"
            remedy = f"Call it after the last cell that alters {' or '.join(called.artifacts)}, and only there"
            faults.append(Fault(notebook, numbers[call["cell"] - 1], what, remedy))
    if faults:
        raise Refused(*faults)
    arguments = [call["arguments"] for call in found["calls"]]
    types, optional = shapes.types(called, arguments, notebook)
    samples = [{name: value for name, (_, value) in each.items()} for each in arguments]
    return Answers(types, optional, samples, [call["value"] for call in found["calls"]], found["made"])


def unsaved(notebook: str, served: Served, name: str, why: str, remedy: str = "") -> Fault:
    what = f"{served.called.name} needs {name}, which cannot be saved: {why}"
    remedy = remedy or f"Use {name} in a cell before it, and let the function use the result"
    return Fault(notebook, served.called.cell, what, remedy)


def uncalled(called: Called, notebook: str, how: str = "") -> Fault:
    remedy = "Call it in the last cell with typical arguments: the call becomes the project's test"
    return Fault(notebook, called.cell, f"no cell calls {called.name}{how}", remedy)


def altering(called: Called, kinds: Mapping[str, set[str]], notebook: str) -> list[Fault]:
    """Return the faults for artifacts that the function may alter, whatever their kinds are."""
    found = [name for name, harmless in called.altered.items() if not harmless & kinds[name]]
    return [Fault(notebook, called.cell, *calling.altering(called.name, name)) for name in found]


def defining(
    served: Served, read: Source, statements: Sequence[Statement], inputs: Mapping[str, str], ran: Run, path: Path
) -> Served:
    """Return the served function with the definitions that its artifacts name, or raise Refused."""
    return replace(served, definitions=moved(read, ran.calls["own"], statements, inputs, path))


def moved(
    read: Source, named: Iterable[str], statements: Sequence[Statement], inputs: Mapping[str, str], path: Path
) -> list[Statement]:
    """Return what goes into definitions.py for the classes and functions that artifacts name, or raise Refused.

    With other data, the artifacts may name any class of the statements that compute them.
    """
    found = Definitions(read, inputs)
    found.find(named, {each.node.name for each in statements if isinstance(each.node, ast.ClassDef)})
    faults = [Fault(path.name, read.statements[at].cell, what, remedy) for at, what, remedy in found.problems]
    kept = [read.statements[number] for number in sorted(found.numbers)]
    faults += rules.faults(kept, [found.effects[number] for number in sorted(found.numbers)], {}, {}, path)
    if faults:
        raise Refused(*sorted(set(faults)))
    return kept


def core(served: Served, found: Answers, about: str) -> dict[str, str]:
    """Return the files with which the project answers, by their names."""
    called = served.called
    given = set(called.artifacts)
    pairs = definitions.without(served.statements, served.effects, served.definitions, given)
    parts = writer.arrange(*pairs, {}, given)
    signature = f"*, {', '.join(called.artifacts)}"
    facts = {"arguments": found.types, "optional": found.optional, "samples": found.samples}
    own = {f"{name}.py": (HERE / f"{name}.py").read_text(encoding="utf-8") for name in ("arguments", "artifacts")}
    if served.definitions:
        own["definitions.py"] = writer.plain_module(served.definitions, about)
    return {
        **own,
        "serving.py": writer.module(parts, [called.name], signature, {}, about, name="bind"),
        "served.py": project.render("served.py", call=called.name),
        "calls.json": json.dumps(facts, indent=1) + "\n",
    }


def facts(served: Served, found: Answers) -> dict[str, Any]:
    """Return the facts about arguments for the templates."""
    arguments = served.called.node.args
    pairs = [
        *zip(reversed(arguments.args), reversed(arguments.defaults)),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]
    defaults: Mapping[str, Any] = {item.arg: ast.literal_eval(node) for item, node in pairs if node is not None}
    records: dict[str, str] = {}
    return {
        "arguments": [
            {
                "name": name,
                "hint": shapes.hint(kind, name, records),
                "told": shapes.told(kind),
                "optional": name in found.optional,
                "default": repr(defaults.get(name)),
            }
            for name, kind in sorted(found.types.items(), key=lambda item: item[0] in found.optional)
        ],
        "records": records,
    }


def statements_of_types(types: Mapping[str, Type]) -> list[Statement]:
    """Return the imports of arguments.py for these types."""
    words = {kind[0] for kind in types.values() if isinstance(kind, list)}
    modules = [module for word, module in (("table", "pandas"), ("array", "numpy")) if word in words]
    return [Statement(0, ast.parse(f"import {module}").body[0], f"import {module}") for module in modules]
