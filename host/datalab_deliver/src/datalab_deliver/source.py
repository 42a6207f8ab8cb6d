# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements of a notebook: its code cells as Python, without magics that only the notebook needs."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import Union

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from . import cells
from .refusal import Fault, Refused

Literal = Union[bool, int, float, str]

# Magics with Python code that runs as it would without the magic.
AROUND_CODE = {"time", "prun", "capture", "memit", "mprun"}
# Magics that change only what is shown, or nothing that a script would see.
HARMLESS = set(
    "HTML alias autoreload conda config history html javascript js latex load_ext logstop ls lsmagic magic markdown"
    " matplotlib memit pdef pdoc pfile pinfo pinfo2 pip pprint precision psearch psource pwd pycat quickref reload_ext"
    " svg timeit uv watermark who whos xmode".split()
)
HARMLESS_COMMANDS = set(
    "cat conda date df du echo file free head jupyter ls lscpu mamba nproc nvidia-smi pip pip3 pwd tail uname uv wc"
    " which whoami".split()
)
REMEDY_MAGIC = "Write it in Python, or give the cell the tag 'skip' if the results do not depend on it"


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell."""

    cell: int
    node: ast.stmt
    text: str


@dataclass
class Source:
    """The Python code of a notebook."""

    statements: list[Statement] = field(default_factory=list)
    parameters: dict[str, Literal] = field(default_factory=dict)
    tests: list[Statement] = field(default_factory=list)
    exported: set[str] = field(default_factory=set)
    left_out: list[tuple[int, str]] = field(default_factory=list)


def read(nb: NotebookNode, name: str) -> Source:
    """Return the statements of a notebook; Refused names all cells that cannot be read, not only the first."""
    source, faults = Source(), []
    language = nb.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise Refused(Fault(name, None, f"its kernel speaks {language}", "Deliver a Python notebook"))
    for number, cell in cells.code(nb):
        if cells.LEFT_OUT & cells.tags(cell):
            continue
        try:
            add(source, number, cell)
        except (SyntaxError, ValueError) as error:
            what = f"it is not Python: {error.msg}" if isinstance(error, SyntaxError) else str(error)
            remedy = "Repair the cell" if isinstance(error, SyntaxError) else REMEDY_MAGIC
            faults.append(Fault(name, number, what, remedy))
    if faults:
        raise Refused(*faults)
    return source


def add(source: Source, number: int, cell: NotebookNode) -> None:
    """Sort the statements of a cell by what they are for."""
    tags = cells.tags(cell)
    for statement in parse(number, cell.source, source):
        literal = parameter(statement.node) if "parameters" in tags else None
        if literal:
            if any(literal[0] in names(earlier.node) for earlier in source.statements):
                raise ValueError(f"the parameter {literal[0]} is used in a cell before it")
            source.parameters[literal[0]] = literal[1]
        elif "test" in tags:
            source.tests.append(statement)
        else:
            source.statements.append(statement)
            if "export" in tags:
                source.exported |= names(statement.node, ast.Store)


def parse(number: int, text: str, source: Source) -> list[Statement]:
    """Return the statements of a text that may have magics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of an escape in a string, which is not checked here
        python = TransformerManager().transform_cell(text)
        body = ast.parse(python).body
    found = []
    for node in body:
        magic = called_magic(node)
        if magic is None:
            found.append(Statement(number, node, segment(python, node)))
            continue
        inner = code_in(magic)
        source.left_out.append((number, " ".join(map(str, magic)).strip().splitlines()[0]))
        if inner:
            found += parse(number, inner, source)
    return found


def called_magic(node: ast.stmt) -> list[str] | None:
    """Return the name and arguments of the IPython call that a statement makes; None if it is plain Python."""
    if "get_ipython" not in names(node):
        return None
    call = node.value if isinstance(node, (ast.Expr, ast.Assign)) else None
    if (
        isinstance(node, ast.Expr)
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and all(isinstance(argument, ast.Constant) for argument in call.args)
    ):
        return [call.func.attr, *(str(argument.value) for argument in call.args if isinstance(argument, ast.Constant))]
    raise ValueError(f"it takes a value from a magic or a command: {ast.unparse(node)}")


def code_in(magic: list[str]) -> str:
    """Return the Python that a magic runs; ValueError if it may do more than show something."""
    kind, arguments = magic[0], magic[1:]
    if kind == "system":
        words = arguments[0].split()
        if words and words[0] in HARMLESS_COMMANDS and not set("><|;&`") & set(arguments[0]):
            return ""
        raise ValueError(f"it runs the command {arguments[0]!r}")
    if kind == "run_line_magic" and arguments[0] in AROUND_CODE:
        return arguments[1]
    if kind == "run_cell_magic" and arguments[0] in AROUND_CODE:
        return arguments[2]
    if kind in {"run_line_magic", "run_cell_magic"} and arguments[0] in HARMLESS:
        return ""
    raise ValueError(f"it uses the magic {' '.join(arguments)[:60]!r}")


def segment(text: str, node: ast.stmt) -> str:
    """Return the text of a statement, with its decorators."""
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    if first == node.lineno:
        return ast.get_source_segment(text, node) or ast.unparse(node)
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def parameter(node: ast.stmt) -> tuple[str, Literal] | None:
    """Return a name and its value, if the statement gives a name a plain value."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
        value: ast.expr | None = node.value
    elif isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
    else:
        return None
    if not isinstance(target, ast.Name) or value is None:
        return None
    try:
        literal = ast.literal_eval(value)
    except ValueError:
        return None
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "float" and type(literal) is int:
        literal = float(literal)
    return (target.id, literal) if isinstance(literal, (bool, int, float, str)) else None


def names(node: ast.AST, context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    """Return the names that a statement mentions."""
    found = {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, context)}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found.add(node.name)
    return found
