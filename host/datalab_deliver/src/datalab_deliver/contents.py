# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a project, and the cell of the notebook that runs the project."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from . import cells, definitions, kubernetes, lock, project, scopes, serving, source, writer
from .check import words
from .order import Order, Outcome, Slice
from .plain import brief
from .refusal import Fault, Refused

Lock = Callable[[str, Mapping[str, str], Sequence[str], str], str]


def write_core(new: Path, part: Slice, order: Order, outcome: Outcome) -> None:
    """Write what the proof needs: the package's modules and the data."""
    path = order.notebook
    home = new / "src" / order.package
    given = {*part.parameters, *part.inputs.values()}
    there = outcome.served.definitions if outcome.served else []
    parts = writer.arrange(*definitions.without(part.statements, part.effects, there, given), part.inputs, given)
    signature = writer.signature(part.inputs, part.parameters)
    text = writer.module(parts, order.results, signature, part.inputs, about(path))
    plain = Path(__file__).with_name("plain.py").read_text(encoding="utf-8")
    init = f'"""{path.stem}: made from a notebook."""\n'
    init += "" if order.call else '\nfrom .pipeline import run\n\n__all__ = ["run"]\n'
    project.write(home, {"pipeline.py": text, "plain.py": plain, "__init__.py": init})
    if outcome.served and outcome.answers:
        project.write(home, serving.core(outcome.served, outcome.answers, about(path)))
    files = data_files(part.inputs)
    for text, argument in part.inputs.items():
        place = new / "tests" / "data" / files[argument]
        place.parent.mkdir(parents=True, exist_ok=True)
        if (path.parent / text).is_dir():
            shutil.copytree(path.parent / text, place)
        else:
            shutil.copyfile(path.parent / text, place)


def write_rest(new: Path, part: Slice, order: Order, outcome: Outcome, locked: Lock) -> None:
    """Write the rest of the package: description, tests, command, lock, the notebook as it ran."""
    path = order.notebook
    served, answers = outcome.served, outcome.answers
    statements = list(part.statements)
    if served and answers:
        statements += [*served.statements, *served.definitions, *serving.statements_of_types(answers.types)]
    environment = lock.of(outcome.ran.python, statements, path.name)
    extra = ["fastapi>=0.110", "uvicorn>=0.30"] if order.kind == "service" else []
    golden = {name: brief(value) for name, value in outcome.values.items()}
    common: dict[str, Any] = {
        "name": order.package.replace("_", "-"),
        "package": order.package,
        "title": title(outcome),
        "inputs": part.inputs,
        "parameters": part.parameters,
        "results": order.results,
        "tolerance": outcome.tolerance,
        "kind": order.kind,
        "service": order.kind == "service",
        "python": environment.python,
        "direct": environment.direct,
        "data": data_files(part.inputs),
        "owner": outcome.noted.owner,
        "team": outcome.noted.team,
        "notebook": path.name,
        "words": "\n\n".join(cells.markdown(outcome.nb)) or f"# {path.stem}",
        "tests": tests(outcome.read, part, [*order.results, *filter(None, [order.call])], path),
        "call": order.call,
        "definitions": bool(served and served.definitions),
        **(serving.facts(served, answers) if served and answers else {}),
    }
    of_call = "call_" if order.call else ""
    files = {
        "pyproject.toml": project.render("pyproject.toml", **common),
        "README.md": project.render("README.md", **common),
        "requirements.lock": locked(outcome.ran.python, environment.pins, extra, path.name),
        f"src/{order.package}/cli.py": project.render(f"{of_call}cli.py", **common),
        "tests/conftest.py": project.render(f"{of_call}conftest.py", **common),
        "tests/test_golden.py": project.render("test_golden.py", **common),
        "tests/golden.json": json.dumps({"results": golden, "tolerance": outcome.tolerance}, indent=1) + "\n",
        f"notebook/{path.name}": nbformat.writes(without_times(outcome.ran.notebook)) + "\n",
    }
    if order.call:
        files[f"src/{order.package}/train.py"] = project.render("train.py", **common)
        files["tests/test_serving.py"] = project.render("test_serving.py", **common)
    if order.kind:
        samples = {name: f"/data/{file}" for name, file in common["data"].items() if not order.call}
        files.update(kubernetes.files(common["name"], order.kind, samples, outcome.megabytes))
        files["Dockerfile"] = project.render("Dockerfile", **common)
        files[".dockerignore"] = "*\n!wheelhouse\n!requirements.lock\n!tests/data\n"
    if order.kind == "service":
        files[f"src/{order.package}/service.py"] = project.render(f"{of_call}service.py", **common)
        files["tests/test_service.py"] = project.render(f"{of_call}test_service.py", **common)
    if common["tests"]:
        files["tests/test_notebook.py"] = project.render("test_notebook.py", **common)
    project.write(new, files)


def data_files(found: Mapping[str, str]) -> dict[str, str]:
    """Return the name of the file in tests/data for each argument."""
    names: dict[str, str] = {}
    for text, argument in found.items():
        name = Path(text).name
        names[argument] = f"{argument}-{name}" if name in names.values() else name
    return names


def about(path: Path) -> str:
    return f"What {path.name} computes, without what it only shows. Generated: change the notebook, not this file."


def title(outcome: Outcome) -> str:
    found = next(filter(None, map(words.title, cells.markdown(outcome.nb))), "")
    return outcome.noted.title or found or "Made from a notebook"


def tests(read: source.Source, part: Slice, results: Sequence[str], path: Path) -> dict[int, str]:
    """Return the statements of cells with the tag test, by cell; they may use results and the module's names."""
    given = {*part.parameters, *part.inputs.values()}
    parts = writer.arrange(part.statements, part.effects, part.inputs, given)
    there = {*results, *(name for s in [*parts.imports, *parts.tops] for name in scopes.outside(s.node)[1])}
    faults: list[Fault] = []
    found: dict[int, str] = {}
    for statement in read.tests:
        uses, defines = scopes.outside(statement.node)
        there |= defines
        everything = set().union(*(effect.defines for effect in part.effects), set(read.parameters))
        for name in sorted((uses & everything) - there):
            remedy = f"Add it to the results: --result {' '.join([*results, name])}"
            faults.append(Fault(path.name, statement.cell, f"this test uses {name}, which is not a result", remedy))
        found[statement.cell] = "\n".join(filter(None, [found.get(statement.cell), writer.indent(statement.text)]))
    if faults:
        raise Refused(*faults)
    return found


def without_times(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove the times at which cells ran, so that the same input gives the same files."""
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
    return nb


def facts(order: Order, part: Slice, tolerance: Mapping[str, float]) -> dict[str, Any]:
    """Return the facts that drift needs later."""
    path = order.notebook
    return {
        "notebook": path.name,
        "results": order.results,
        **({"call": order.call} if order.call else {}),
        "tolerance": dict(tolerance),
        "kind": order.kind,
        "width": part.width.name,
        "parameters": part.parameters,
        "arguments": part.inputs,
        "inputs": {text: project.digest(path.parent / text) for text in part.inputs},
    }


LINK = "datalab-project"


def link(order: Order) -> None:
    """Add or update the cell at the end of the notebook that runs the project."""
    path, call = order.notebook, order.call
    nb = nbformat.read(path, as_version=4)
    place = os.path.relpath(order.out.resolve() / "src", path.parent.resolve())
    text = "# The delivered project, which computes the same\nimport sys\n\n"
    text += f"sys.path.insert(0, {place!r})\n"
    if call:
        text += f"from {order.package}.pipeline import run\nfrom {order.package}.serving import bind\n\n"
        text += f"# bind(**run())[{call!r}] is its {call}"
    else:
        text += f"from {order.package} import run"
    old: nbformat.NotebookNode | None = next((cell for cell in nb.cells if cell.metadata.get("datalab") == LINK), None)
    if old is not None and old.source == text:
        return
    if old is None:
        old = nbformat.v4.new_code_cell(metadata={"tags": ["skip"], "datalab": LINK}, id=LINK)
        if (nb.nbformat, nb.nbformat_minor) < (4, 5):
            del old["id"]
        nb.cells.append(old)
    old.source = text
    project.replace_file(path, nbformat.writes(nb) + "\n")
