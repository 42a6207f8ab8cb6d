# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Slice, prove, widen: from a notebook to a project that computes the same."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat

from . import (
    calling,
    cells,
    effects,
    inputs,
    kernel,
    kubernetes,
    lock,
    project,
    prove,
    rules,
    serving,
    settings,
    slicing,
    source,
    writer,
)
from .check import load, words
from .plain import brief
from .refusal import Fault, Refused
from .slicing import Width

Progress = Callable[[str], None]
Lock = Callable[[str, Mapping[str, str], Sequence[str], str], str]


@dataclass(frozen=True)
class Order:
    """What a person asks for."""

    notebook: Path
    results: list[str]  # of a function that is served, what it takes: the artifacts
    out: Path
    kind: str = ""  # job or service
    tolerance: dict[str, float] = field(default_factory=dict)
    call: str = ""  # the function that is served

    @property
    def compared(self) -> list[str]:
        """The names that golden.json has."""
        return [self.call] if self.call else self.results


@dataclass(frozen=True)
class Slice:
    """The part of a notebook that a project has."""

    width: Width
    statements: list[source.Statement]
    effects: list[effects.Effect]
    inputs: dict[str, str]
    parameters: dict[str, source.Literal]


@dataclass(frozen=True)
class Delivered:
    """What came out."""

    project: Path
    width: Width
    lines: int
    of_lines: int
    kept: list[str]
    left_out: list[tuple[int, str]]


def deliver(order: Order, progress: Progress, locked: Lock = lock.text) -> Delivered:
    """Deliver a notebook, or raise Refused and leave everything as it was."""
    path = order.notebook
    nb = load(path)
    if nb is None:
        raise Refused(Fault(path.name, None, "it is not a notebook of format 4", "Open it in JupyterLab and save it"))
    if order.call and order.kind == "job":
        raise Refused(Fault(path.name, None, "a job calls no function", f"Deliver {order.call} with --as service"))
    read = source.read(nb, path.name)
    known = effects_of(read.statements, order.call)
    noted = settings.read(path.parent)
    tolerance = {**dict.fromkeys(order.compared, prove.DEFAULT_TOLERANCE), **noted.tolerance, **order.tolerance}
    tolerance = {name: tolerance[name] for name in order.compared}
    served = serving.find(read, order.call, path) if order.call else None
    order = replace(order, results=served.called.artifacts) if served else order
    check_results(order.results, read, known, path.name)
    project.check_target(order.out)
    first = needed(read, known, order.results, Width.NEEDED, path)
    refuse(first, path)
    inputs.check_size(first.inputs, path.parent, path.name)
    ran = run_twice(path, order, tolerance, first, progress)
    answers = serving.answers(served, ran, nb, tolerance[order.call], path.name) if served else None
    outcome = Outcome(nb, ran, read, noted, tolerance, served, answers)
    with project.aside(order.out) as new:
        for width in Width:
            part = needed(read, known, order.results, width, path)
            refuse(part, path)
            shutil.rmtree(new, ignore_errors=True)
            write_core(new, part, order, outcome)
            proof = proved(new, part, order, outcome)
            progress(f"{path.name}: {width.value}: {'the same' if not proof.differences else proof.differences[0]}")
            if not proof.differences:
                break
        else:
            remedy = "Look for what the cells do beside giving values to names, and write that as values"
            what = f"the project does not compute what the notebook computed: {proof.differences[0]}"
            raise Refused(Fault(path.name, None, what, remedy))
        write_rest(new, part, order, replace(outcome, megabytes=proof.megabytes), locked)
        made = project.digests(new)
        kept = project.keep_edits(order.out, new)
        project.note(new, facts(order, part, path, tolerance), made, kept, order.out)
        project.put(new, order.out)
    link(path, order.out, order.call)
    of_lines = sum(len(statement.text.splitlines()) for statement in read.statements)
    there = {id(each): each for each in [*part.statements, *(served.statements if served else [])]}
    lines = sum(len(statement.text.splitlines()) for statement in there.values())
    return Delivered(order.out, part.width, lines, of_lines, kept, read.left_out)


@dataclass(frozen=True)
class Outcome:
    """What is known when the notebook has run, and when the proof is done."""

    nb: nbformat.NotebookNode
    ran: kernel.Run
    read: source.Source
    noted: settings.Settings
    tolerance: dict[str, float]
    served: serving.Served | None
    answers: serving.Answers | None
    megabytes: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """What golden.json has."""
        if self.served and self.answers:
            return {self.served.called.name: self.answers.values}
        return self.ran.values


def package(path: Path) -> str:
    """The name of the Python package for a notebook."""
    name = re.sub(r"\W+", "_", path.stem).strip("_").lower()
    return name if name.isidentifier() else f"notebook_{name}"


def effects_of(statements: Sequence[source.Statement], call: str) -> list[effects.Effect]:
    return calling.analysed(statements).effects() if call else effects.of(statements)


def check_results(names: Sequence[str], read: source.Source, known: Sequence[effects.Effect], notebook: str) -> None:
    defined = set().union(set(read.parameters), *(effect.defines for effect in known if not effect.imports))
    remedy = f"Name some of: {', '.join(sorted(defined)) or 'nothing, as no cell gives a value to a name'}"
    missing = [name for name in names if name not in defined]
    if missing or not names:
        texts = [f"no cell gives a value to the result {name}" for name in missing] or ["no result is named"]
        raise Refused(*(Fault(notebook, None, text, remedy) for text in texts))


def needed(
    read: source.Source, known: Sequence[effects.Effect], results: Sequence[str], width: Width, path: Path
) -> Slice:
    """The statements of a width, and what they take from outside."""
    exported = {name for name in read.exported if any(name in effect.defines for effect in known)}
    kept = slicing.cut(read.statements, known, {*results, *exported}, width)
    statements, its = [read.statements[number] for number in kept], [known[number] for number in kept]
    taken = set().union(set(read.parameters), *(effect.defines | effect.uses for effect in known))
    used = set().union(set(results), *(effect.uses for effect in its))
    parameters = {name: value for name, value in read.parameters.items() if name in used}
    return Slice(width, statements, its, inputs.find(statements, its, path.parent, taken), parameters)


def refuse(part: Slice, path: Path) -> None:
    faults = rules.faults(part.statements, part.effects, part.parameters, part.inputs, path)
    if faults:
        raise Refused(*faults)


def run_twice(path: Path, order: Order, tolerance: Mapping[str, float], part: Slice, progress: Progress) -> kernel.Run:
    """The results of a run in a fresh kernel, if another run has the same."""
    results, call = ([], kernel.Call(order.call, order.results)) if order.call else (order.results, None)
    first = kernel.run(path, results, seed=0, progress=progress, call=call)
    second = kernel.run(path, results, seed=1, progress=progress, call=call)
    differences = prove.compare(comparable(first, order), comparable(second, order), tolerance)
    if differences:
        cells_ = sorted(
            {s.cell for s, e in zip(part.statements, part.effects) if any("random" in use for use in e.uses)}
        )
        what = f"two runs have different results: {differences[0]}"
        remedy = "Set a seed (np.random.seed, random_state=…), and sort what comes from a set"
        raise Refused(Fault(path.name, cells_[0] if cells_ else None, what, remedy))
    return first


def comparable(ran: kernel.Run, order: Order) -> dict[str, Any]:
    """What has to be the same in another run: of a function what it was called with, too."""
    if not order.call:
        return ran.values
    calls = [[call["arguments"], call["value"], call["now"]] for call in ran.calls["calls"]]
    return {**ran.calls["made"], order.call: calls}


def data_files(found: Mapping[str, str]) -> dict[str, str]:
    """Argument: the file's name in tests/data."""
    names: dict[str, str] = {}
    for text, argument in found.items():
        name = Path(text).name
        names[argument] = f"{argument}-{name}" if name in names.values() else name
    return names


def about(path: Path) -> str:
    return f"What {path.name} computes, without what it only shows. Made from it: change the notebook, not this file."


def proved(new: Path, part: Slice, order: Order, outcome: Outcome) -> prove.Proof:
    """What the project computes, compared with what the notebook did."""
    python, name, answers = outcome.ran.python, package(order.notebook), outcome.answers
    arguments = {name: str(new / "tests" / "data" / file) for name, file in data_files(part.inputs).items()}
    if answers is None:
        return prove.prove(python, new, name, arguments, outcome.ran.values, outcome.tolerance)
    expected = prove.Expected(order.call, answers.values, answers.made, outcome.tolerance[order.call])
    return prove.prove_served(python, new, name, arguments, expected)


def write_core(new: Path, part: Slice, order: Order, outcome: Outcome) -> None:
    """What the proof takes: the package's modules and the data."""
    path = order.notebook
    home = new / "src" / package(path)
    given = {*part.parameters, *part.inputs.values()}
    parts = writer.arrange(part.statements, part.effects, part.inputs, given)
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
    """What makes a package of it: description, tests, command, lock, the notebook as it ran."""
    path = order.notebook
    served, answers = outcome.served, outcome.answers
    statements = list(part.statements)
    if served and answers:
        statements += [*served.statements, *serving.statements_of_types(answers.types)]
    environment = lock.of(outcome.ran.python, statements, path.name)
    extra = ["fastapi>=0.110", "uvicorn>=0.30"] if order.kind == "service" else []
    golden = {name: brief(value) for name, value in outcome.values.items()}
    common: dict[str, Any] = {
        "name": package(path).replace("_", "-"),
        "package": package(path),
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
        **(serving.facts(served, answers) if served and answers else {}),
    }
    of_call = "call_" if order.call else ""
    files = {
        "pyproject.toml": project.render("pyproject.toml", **common),
        "README.md": project.render("README.md", **common),
        "requirements.lock": locked(outcome.ran.python, environment.pins, extra, path.name),
        f"src/{package(path)}/cli.py": project.render(f"{of_call}cli.py", **common),
        "tests/conftest.py": project.render(f"{of_call}conftest.py", **common),
        "tests/test_golden.py": project.render("test_golden.py", **common),
        "tests/golden.json": json.dumps({"results": golden, "tolerance": outcome.tolerance}, indent=1) + "\n",
        f"notebook/{path.name}": nbformat.writes(without_times(outcome.ran.notebook)) + "\n",
    }
    if order.call:
        files[f"src/{package(path)}/train.py"] = project.render("train.py", **common)
        files["tests/test_serving.py"] = project.render("test_serving.py", **common)
    if order.kind:
        samples = {name: f"/data/{file}" for name, file in common["data"].items() if not order.call}
        files.update(kubernetes.files(common["name"], order.kind, samples, outcome.megabytes))
        files["Dockerfile"] = project.render("Dockerfile", **common)
        files[".dockerignore"] = "*\n!wheelhouse\n!requirements.lock\n!tests/data\n"
    if order.kind == "service":
        files[f"src/{package(path)}/service.py"] = project.render(f"{of_call}service.py", **common)
        files["tests/test_service.py"] = project.render(f"{of_call}test_service.py", **common)
    if common["tests"]:
        files["tests/test_notebook.py"] = project.render("test_notebook.py", **common)
    project.write(new, files)


def title(outcome: Outcome) -> str:
    found = next(filter(None, map(words.title, cells.markdown(outcome.nb))), "")
    return outcome.noted.title or found or "Made from a notebook"


def tests(read: source.Source, part: Slice, results: Sequence[str], path: Path) -> dict[int, str]:
    """The statements of cells with the tag test, by cell; they may use results and what the module has."""
    given = {*part.parameters, *part.inputs.values()}
    parts = writer.arrange(part.statements, part.effects, part.inputs, given)
    there = {*results, *(name for s in [*parts.imports, *parts.tops] for name in effects.outside(s.node)[1])}
    faults: list[Fault] = []
    found: dict[int, str] = {}
    for statement in read.tests:
        uses, defines = effects.outside(statement.node)
        there |= defines
        everything = set().union(*(effect.defines for effect in part.effects), set(read.parameters))
        for name in sorted((uses & everything) - there):
            remedy = f"Name it as well: --result {' '.join([*results, name])}"
            faults.append(Fault(path.name, statement.cell, f"this test uses {name}, which is not a result", remedy))
        found[statement.cell] = "\n".join(filter(None, [found.get(statement.cell), writer.indent(statement.text)]))
    if faults:
        raise Refused(*faults)
    return found


def without_times(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """When cells ran is in no project: the same input gives the same files."""
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
    return nb


def facts(order: Order, part: Slice, path: Path, tolerance: Mapping[str, float]) -> dict[str, Any]:
    """What drift needs to know later."""
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


def link(path: Path, out: Path, call: str = "") -> None:
    """The last cell of the notebook runs the project."""
    nb = nbformat.read(path, as_version=4)
    place = os.path.relpath(out.resolve() / "src", path.parent.resolve())
    text = "# The delivered project, which computes the same\nimport sys\n\n"
    text += f"sys.path.insert(0, {place!r})\n"
    if call:
        text += f"from {package(path)}.pipeline import run\nfrom {package(path)}.serving import bind\n\n"
        text += f"# bind(**run())[{call!r}] is its {call}"
    else:
        text += f"from {package(path)} import run"
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
