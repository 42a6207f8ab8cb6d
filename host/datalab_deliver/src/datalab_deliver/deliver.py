# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a notebook a project that computes the same: slice it, prove the slice, and widen it if the proof fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import (
    contents,
    effects,
    inputs,
    kernel,
    lock,
    project,
    prove,
    rules,
    serving,
    settings,
    slicing,
    source,
)
from .check import load
from .order import Order, Outcome, Slice
from .refusal import Fault, Refused
from .scopes import declared
from .slicing import Width

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Delivered:
    """The outcome of a delivery."""

    project: Path
    width: Width
    lines: int
    of_lines: int
    kept: list[str]
    left_out: list[tuple[int, str]]


def deliver(order: Order, progress: Progress, locked: contents.Lock = lock.text) -> Delivered:
    """Deliver a notebook, or raise Refused and leave everything as it was."""
    path = order.notebook
    nb = load(path)
    if nb is None:
        raise Refused(Fault(path.name, None, "it is not a notebook of format 4", "Open it in JupyterLab and save it"))
    if order.call and order.kind == "job":
        raise Refused(Fault(path.name, None, "a job calls no function", f"Deliver {order.call} with --as service"))
    read = source.read(nb, path.name)
    known = effects.of(read.statements)
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
    if served:
        serving.foresee(served, read, first.statements, first.inputs, nb, path)
    ran = run_twice(path, order, tolerance, first, progress)
    answers = serving.answers(served, ran, nb, tolerance[order.call], path.name) if served else None
    served = serving.defining(served, read, first.statements, first.inputs, ran, path) if served else None
    outcome = Outcome(nb, ran, read, noted, tolerance, served, answers)
    with project.aside(order.out) as new:
        for width in Width:
            part = needed(read, known, order.results, width, path)
            refuse(part, path)
            shutil.rmtree(new, ignore_errors=True)
            contents.write_core(new, part, order, outcome)
            proof = proved(new, part, order, outcome)
            progress(f"{path.name}: {width.value}: {'the same' if not proof.differences else proof.differences[0]}")
            if not proof.differences:
                break
        else:
            remedy = "Look for effects of cells besides assignments, and write them as assigned values"
            what = f"the project does not compute what the notebook computed: {proof.differences[0]}"
            raise Refused(Fault(path.name, None, what, remedy))
        contents.write_rest(new, part, order, replace(outcome, megabytes=proof.megabytes), locked)
        made = project.digests(new)
        kept = project.keep_edits(order.out, new)
        project.note(new, contents.facts(order, part, tolerance), made, kept, order.out)
        project.put(new, order.out)
    contents.link(order)
    of_lines = sum(len(statement.text.splitlines()) for statement in read.statements)
    there = {id(each): each for each in [*part.statements, *(served.statements if served else [])]}
    lines = sum(len(statement.text.splitlines()) for statement in there.values())
    return Delivered(order.out, part.width, lines, of_lines, kept, read.left_out)


def check_results(names: Sequence[str], read: source.Source, known: Sequence[effects.Effect], notebook: str) -> None:
    defined = set().union(set(read.parameters), *(effect.defines for effect in known if not effect.imports))
    defined |= {name for statement in read.statements for name in declared(statement.node)}
    remedy = f"Name some of: {', '.join(sorted(defined)) or 'none, since no cell assigns a value'}"
    missing = [name for name in names if name not in defined]
    if missing or not names:
        texts = [f"no cell assigns a value to the result {name}" for name in missing] or ["no result is named"]
        raise Refused(*(Fault(notebook, None, text, remedy) for text in texts))


def needed(
    read: source.Source, known: Sequence[effects.Effect], results: Sequence[str], width: Width, path: Path
) -> Slice:
    """Return the statements of a width, and what they need from outside."""
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
    """Run the notebook twice in fresh kernels, and return the first run if both have the same results."""
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
    """Return what has to be the same in another run; for a function, also the arguments of its calls."""
    if not order.call:
        return ran.values
    calls = [[call["arguments"], call["value"], call["now"]] for call in ran.calls["calls"]]
    return {**ran.calls["made"], order.call: calls}


def proved(new: Path, part: Slice, order: Order, outcome: Outcome) -> prove.Proof:
    """Run the project, and compare its results with the notebook's."""
    python, name, answers = outcome.ran.python, order.package, outcome.answers
    arguments = {name: str(new / "tests" / "data" / file) for name, file in contents.data_files(part.inputs).items()}
    if answers is None:
        return prove.prove(python, new, name, arguments, outcome.ran.values, outcome.tolerance)
    expected = prove.Expected(order.call, answers.values, answers.made, outcome.tolerance[order.call])
    return prove.prove_served(python, new, name, arguments, expected)
