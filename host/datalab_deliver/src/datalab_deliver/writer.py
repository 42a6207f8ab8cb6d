# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the statements that stay as a module with the function run."""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .effects import Effect
from .scopes import declared
from .source import Literal, Statement

INDENT = "    "
OWN = {"run", "bind"}  # names that the generated modules define themselves


@dataclass
class Parts:
    """The parts of a module, with the statements of each."""

    imports: list[Statement] = field(default_factory=list)
    tops: list[Statement] = field(default_factory=list)  # functions and classes that need nothing from run
    body: list[Statement] = field(default_factory=list)
    prelude: list[str] = field(default_factory=list)


def arrange(
    statements: Sequence[Statement], effects: Sequence[Effect], inputs: Mapping[str, str], given: set[str]
) -> Parts:
    """Put imports and self-contained definitions at the top of the module, and all else into run."""
    given = given | OWN
    defined: list[str] = [name for effect in effects for name in effect.defines]
    others = {name for effect in effects if not effect.imports for name in effect.defines}
    defined += sorted(set().union(*(declared(statement.node) for statement in statements)) - set(defined))
    altered = set().union(*(effect.alters for effect in effects))  # the next run would find what one run has changed
    once = {name for name in defined if defined.count(name) == 1} - given - altered
    parts = Parts()
    top = {
        number
        for number, (statement, effect) in enumerate(zip(statements, effects))
        if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and effect.defines <= once
        and not mentions(statement.node, inputs)
        and not declared(statement.node)
    }
    imports = {
        number for number, effect in enumerate(effects) if effect.imports and not effect.defines & (others | given)
    }
    while True:
        outside = {name for number in top | imports for name in effects[number].defines}
        inner = {number for number in top if (effects[number].uses & (set(defined) | given)) - outside}
        if not inner:
            break
        top -= inner
    for number, statement in enumerate(statements):
        (parts.imports if number in imports else parts.tops if number in top else parts.body).append(statement)
    local = [effect for number, effect in enumerate(effects) if number not in top | imports]
    parts.prelude = prelude(parts.body, local)
    return parts


def prelude(body: Sequence[Statement], effects: Sequence[Effect]) -> list[str]:
    """Return what run needs first because names are local to a function: built-ins that are assigned later, globals."""
    lines: list[str] = []
    seen: set[str] = set()
    used: set[str] = set()
    for effect in effects:
        used |= effect.uses
        for name in sorted(effect.defines - seen):
            if name in dir(builtins) and name in used:
                lines.append(f"{name} = builtins.{name}  # assigned another value below")
            seen.add(name)
    globals_ = set().union(*(declared(statement.node) for statement in body))
    lines += [f"{name} = None  # a function below sets it" for name in sorted(globals_ - seen)]
    return lines


def mentions(node: ast.AST, inputs: Mapping[str, str]) -> bool:
    return any(
        (isinstance(item, ast.Constant) and isinstance(item.value, str) and item.value in inputs) or is_own_name(item)
        for item in ast.walk(node)
    )


def is_own_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"


def module(
    parts: Parts, results: Sequence[str], signature: str, inputs: Mapping[str, str], about: str, name: str = "run"
) -> str:
    """Return the text of pipeline.py, or of another module with such a function."""
    future = [s for s in parts.imports if s.text.startswith("from __future__")]
    imports = list(dict.fromkeys(s.text for s in [*future, *(s for s in parts.imports if s not in future)]))
    if any("builtins." in line for line in parts.prelude):
        imports.insert(len(future), "import builtins")
    blocks = [f'"""{about}"""', "\n".join(imports)] if imports else [f'"""{about}"""']
    blocks += [f"\n# cell {s.cell}\n{s.text}" for s in parts.tops]
    body = [indent(line) for line in parts.prelude]
    cell = 0
    for statement in parts.body:
        if statement.cell != cell:
            body += ["", f"{INDENT}# cell {statement.cell}"] if body else [f"{INDENT}# cell {statement.cell}"]
            cell = statement.cell
        body.append(indent(local(replace(statement.text, inputs))))
    returned = ", ".join(f'"{result}": {result}' for result in results)
    body += ["", f"{INDENT}return {{{returned}}}"]
    # A name of the notebook may hide a built-in or a type, so the generated function does not use `dict`.
    blocks.append(f"\ndef {name}({signature}):\n" + "\n".join(body))
    return "\n\n".join(blocks) + "\n"


def plain_module(statements: Sequence[Statement], about: str) -> str:
    """Return the text of a module with the statements only."""
    future = [s for s in statements if s.text.startswith("from __future__")]
    imports = [s for s in statements if isinstance(s.node, (ast.Import, ast.ImportFrom)) and s not in future]
    others = [s for s in statements if not isinstance(s.node, (ast.Import, ast.ImportFrom))]
    lines = dict.fromkeys(s.text for s in [*future, *imports])
    blocks = [f'"""{about}"""', "\n".join(lines), *(f"\n# cell {s.cell}\n{s.text}" for s in others)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def local(text: str) -> str:
    """Turn `global` in the functions in run into `nonlocal`, since the notebook's names are run's."""
    found = [item for item in ast.walk(ast.parse(text)) if isinstance(item, ast.Global)]
    return splice(text, [(item, "nonlocal " + ", ".join(item.names)) for item in found])


def replace(text: str, inputs: Mapping[str, str]) -> str:
    """Replace the paths of inputs by their arguments, and __name__ by its value in a notebook."""
    tree = ast.parse(text)
    inside = {id(part) for item in ast.walk(tree) if isinstance(item, ast.JoinedStr) for part in ast.walk(item)}
    found: list[tuple[ast.stmt | ast.expr, str]] = []
    for item in ast.walk(tree):
        if isinstance(item, ast.Constant) and isinstance(item.value, str) and item.value in inputs:
            found += [(item, inputs[item.value])]
        elif isinstance(item, ast.Name) and is_own_name(item):
            found += [(item, '"__main__"')]
    found = [(item, new) for item, new in found if id(item) not in inside]
    return splice(text, found)


def splice(text: str, changes: Sequence[tuple[ast.stmt | ast.expr, str]]) -> str:
    """Replace the texts of some nodes, from the last to the first."""
    lines = [line.encode() for line in text.split("\n")]
    for node, new in sorted(changes, key=lambda change: (-change[0].lineno, -change[0].col_offset)):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        lines[first : last + 1] = [before + new.encode() + after]
    return b"\n".join(lines).decode()


def indent(text: str) -> str:
    """Indent a statement, but not the lines inside of its multi-line strings."""
    inside: set[int] = set()
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside |= set(range(token.start[0] + 1, token.end[0] + 1))
        elif kind == "FSTRING_START":
            opened.append(token.start[0])
        elif kind == "FSTRING_END":
            inside |= set(range(opened.pop() + 1, token.end[0] + 1))
    lines = text.split("\n")
    return "\n".join(line if not line or number in inside else INDENT + line for number, line in enumerate(lines, 1))


def signature(inputs: Mapping[str, str], parameters: Mapping[str, Literal]) -> str:
    """Return the arguments of run with their types."""
    parts = [f"{name}: str" for name in dict.fromkeys(inputs.values())]
    parts += [f"{name}: {type(value).__name__} = {value!r}" for name, value in parameters.items()]
    return ", ".join(["*", *parts]) if parts else ""
