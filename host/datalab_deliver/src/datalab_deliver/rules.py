# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that cannot be delivered, because its value would differ elsewhere or tomorrow."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import places, words
from .effects import Effect
from .refusal import Fault
from .scopes import imported, mentioned, outside
from .sharing import Names
from .source import Literal, Statement, names
from .stopwatch import Printed

Found = Iterator[tuple[str, str]]


def faults(
    statements: Sequence[Statement],
    effects: Sequence[Effect],
    parameters: Mapping[str, Literal],
    inputs: Mapping[str, str],
    path: Path,
) -> list[Fault]:
    """Return the faults of a project's statements."""
    found = []
    given = {*parameters, *inputs.values()}
    known = Names(imports(statements))
    there = set(dir(builtins)) | given
    star = any(effect.star for effect in effects)
    everything = set().union(there, *(effect.defines | effect.alters for effect in effects))
    printed = Printed([statement.node for statement in statements])
    elsewhere = places.faults([statement.node for statement in statements], known, parameters, set(inputs))
    for number, (statement, effect) in enumerate(zip(statements, effects)):
        is_definition = isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        unknown = set() if star or is_definition else effect.uses - everything
        unknown &= outside(statement.node)[0] if unknown else set()  # without names that only called functions need
        problems = [
            *clock(statement.node, known, printed),
            *elsewhere[number],
            *interpreter(statement.node),
            *beside(statement.node, path.parent),
        ]
        problems += [(f"it uses {name}, which no cell before it defines", "Define it in a cell") for name in unknown]
        found += [Fault(path.name, statement.cell, what, remedy) for what, remedy in problems]
    return sorted(set(found), key=lambda fault: (fault.cell or 0, fault.what))


def imports(statements: Sequence[Statement]) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement in statements:
        found.update(imported(statement.node))
    return found


def clock(node: ast.stmt, known: Names, printed: Printed) -> Found:
    """Yield each use of the current date or time, unless it is only printed."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        text = ast.unparse(call.func)
        parts = (known.path(call.func) or text).split(".")
        asked = parts[-1] in words.MAKES_TIMES and any(
            getattr(each, "value", "") in {"now", "today"} for each in call.args
        )
        of_clock = parts[-1] in words.CLOCK and words.CLOCK_OF & set(parts[:-1])
        if (asked or of_clock) and not printed.only(call):
            remedy = "Make it a value in a cell with the tag 'parameters': as_of = \"2026-01-31\""
            yield f"the results depend on {text}(), which differs each time", remedy


def interpreter(node: ast.stmt) -> Found:
    for name in sorted(names(node) & words.INTERPRETER):
        yield f"it uses {name}, which means something else outside of a notebook", "Do not use it"
    modules = {path.partition(".")[0] for path in imported(node).values()}
    for name in sorted((mentioned(node) | modules) & words.LIFETIMES):
        yield (
            f"it uses {name}, which depends on the objects and classes that exist at the time",
            "Call the function by its name",
        )
    if any(isinstance(call, ast.Call) and ast.unparse(call) == "vars()" for call in ast.walk(node)):
        yield "it uses vars(), which has other names outside of a notebook", "Name the values: {'limit': limit}"
    if any(isinstance(call, ast.Call) and getattr(call.func, "id", "") == "eval" for call in ast.walk(node)):
        yield (
            "it uses eval, whose text may name anything",
            "Write the code itself; ast.literal_eval reads a plain value",
        )


def beside(node: ast.stmt, folder: Path) -> Found:
    """Yield each import of a module that is a file beside the notebook."""
    for item in ast.walk(node):
        modules = [alias.name for alias in item.names] if isinstance(item, ast.Import) else []
        if isinstance(item, ast.ImportFrom):
            modules = [item.module or "."]
        for module in modules:
            top = module.partition(".")[0]
            if not top or (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file():
                remedy = "Put what it defines into a cell, or make it a package of the team's index"
                yield f"it imports {module}, a file beside the notebook", remedy
