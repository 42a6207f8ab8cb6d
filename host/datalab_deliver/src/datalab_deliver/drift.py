# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The effect of a changed notebook on the project that was delivered from it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import nbformat

from . import deliver, effects, kernel, project, serving, source
from .check import load
from .order import Slice
from .plain import brief, same
from .refusal import Fault, Refused
from .slicing import Width


@dataclass(frozen=True)
class Drift:
    """The differences between a notebook and the project that was delivered from it."""

    statements: list[str]  # new and changed ones with their cell, and those that are gone
    of_statements: int
    inputs: list[str]
    arguments: list[str]
    results: list[str]
    was_run: bool

    @property
    def any(self) -> bool:
        return bool(self.statements or self.inputs or self.arguments or self.results)

    def __str__(self) -> str:
        if not self.any:
            how = "its results are the same" if self.was_run else "it was not run"
            return f"Production unchanged: {self.of_statements} statements are the same, {how}."
        changed = len(self.statements)
        lines = (
            [f"Production changes: {changed} of {self.of_statements} statements differ."]
            if changed
            else ["Production changes."]
        )
        lines += [f"  {text}" for text in self.statements]
        lines += [f"  input {text} has other data" for text in self.inputs]
        lines += [f"  argument {text}" for text in self.arguments]
        lines += [f"  result {text}" for text in self.results]
        return "\n".join(lines)


def find(path: Path, target: Path, progress: Callable[[str], None], *, run: bool = True) -> Drift:
    """Compare a notebook with the one that was delivered, and its results with the golden ones."""
    noted = project.record(target)
    if noted is None:
        remedy = "Name it with --out, or deliver the notebook first"
        raise Refused(Fault(str(target), None, "it is not a delivered project", remedy))
    old, new = (load(file) for file in (target / "notebook" / noted["notebook"], path))
    if old is None or new is None:
        raise Refused(Fault(path.name, None, "it is not a notebook of format 4", "Open it in JupyterLab and save it"))
    before, after = (part(nb, noted, path) for nb in (old, new))
    arguments = [
        f"{name} is {value!r}, and was {noted['parameters'].get(name)!r}"
        for name, value in after.parameters.items()
        if noted["parameters"].get(name) != value
    ]
    arguments += [f"{name} is gone" for name in noted["parameters"] if name not in after.parameters]
    inputs = [text for text in noted["inputs"] if not same_file(path.parent / text, noted["inputs"][text])]
    results: list[str] = []
    if run:
        golden = json.loads((target / "tests" / "golden.json").read_text(encoding="utf-8"))
        call = of_call(target, noted)
        names = [call.name] if call else noted["results"]
        values = kernel.run(path, [] if call else names, seed=0, progress=progress, call=call).values
        results = [
            text
            for name in names
            for text in same(golden["results"][name], brief(values[name]), golden["tolerance"][name], name)[:1]
        ]
    return Drift(changes(before.statements, after.statements), len(after.statements), inputs, arguments, results, run)


def part(nb: nbformat.NotebookNode, noted: Mapping[str, Any], path: Path) -> Slice:
    """Return the statements of the project; for a served function, also those that the function needs."""
    read = source.read(nb, path.name)
    known = effects.of(read.statements)
    served = serving.find(read, noted["call"], path) if "call" in noted else None
    results = served.called.artifacts if served else noted["results"]
    deliver.check_results(results, read, known, path.name)
    found = deliver.needed(read, known, results, Width[noted["width"]], path)
    there = {id(each) for each in [*found.statements, *(served.statements if served else [])]}
    return replace(found, statements=[each for each in read.statements if id(each) in there])


def of_call(target: Path, noted: Mapping[str, Any]) -> kernel.Call | None:
    """Return the calls that the project answered at delivery, to repeat them in the notebook now."""
    if "call" not in noted:
        return None
    (file,) = target.glob("src/*/calls.json")
    calls = json.loads(file.read_text(encoding="utf-8"))
    return kernel.Call(noted["call"], types=calls["arguments"], samples=calls["samples"])


def same_file(path: Path, digest: str) -> bool:
    return path.exists() and project.digest(path) == digest


def changes(before: Sequence[source.Statement], after: Sequence[source.Statement]) -> list[str]:
    """Return the statements whose syntax differs: comments and spaces do not count."""
    found = []
    old, new = ([ast.dump(statement.node) for statement in side] for side in (before, after))
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        word = {"replace": "changed", "insert": "new"}.get(kind, "")
        found += [f"cell {after[number].cell}, {word}: {line(after[number])}" for number in range(start, end)]
        gone = range(first + (end - start), last)
        found += [f"gone: {line(before[number])}" for number in gone]
    return found


def line(statement: source.Statement) -> str:
    first, *rest = statement.text.splitlines()
    return f"{first} …" if rest else first
