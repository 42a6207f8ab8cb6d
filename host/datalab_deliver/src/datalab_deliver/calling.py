# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A function of the notebook that is to be served: the code that it needs, and the artifacts of the build stage.

The project also gets the functions, classes and imports that the function needs. Names to which cells assign values are
the artifacts, with their values at the end of the notebook. If an answer may depend on anything else, the function is
refused.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .alterations import FILES, Summary
from .calls import CHANCE
from .effects import Analysis, Effect
from .pure import Strict
from .refusal import Fault, Refused
from .scopes import declared, imported, outer, stored
from .sharing import PROCESS, Names
from .slicing import draws
from .source import Source, Statement
from .written_out import written_out

Problem = tuple[int, str, str]  # the number of a statement, what is wrong, the remedy


@dataclass(frozen=True)
class Called:
    """A function to serve."""

    name: str
    node: ast.FunctionDef
    cell: int
    numbers: list[int]  # of the statements that the project gets with it
    artifacts: list[str]
    altered: dict[str, set[str]]  # artifacts that it may alter, unless their values are of one of these kinds


@dataclass
class Along:
    """The statements and artifacts that the function needs, and the problems."""

    numbers: set[int] = field(default_factory=set)
    artifacts: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def find(read: Source, name: str, notebook: str) -> Called:
    """Return the function of that name; Refused has the reasons if it cannot be served."""
    analysis = Analysis(read.statements)
    effects = analysis.effects()
    number = definition(read, effects, name, notebook)
    node = read.statements[number].node
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 - as definition sees to
    along = closure(read, effects, name, number)
    statements = written_out(read.statements, along.numbers, along.artifacts, analysis.names)
    analysis = Analysis(statements)
    strict = Strict(analysis)
    altered = alters(statements, analysis, strict, name)
    problems = [
        *along.problems,
        *((number, *problem) for problem in of_arguments(node)),
        *((number, *problem) for problem in of_state(name, analysis.known[name])),
        *((number, *altering(name, each)) for each in altered if not altered[each] or each not in along.artifacts),
        *of_definitions(read.statements, along.numbers),
        *of_code(analysis, along.numbers),
        *of_others(analysis, strict, along, imports(read.statements, effects)),
    ]
    if not along.artifacts and not problems:
        remedy = "Deliver its result with --result, or let it use what a cell has computed"
        what = f"{name} needs no value that a cell computes, so there is nothing to compute when the image is built"
        problems.append((number, what, remedy))
    if problems:
        cells = [(read.statements[at].cell, what, remedy) for at, what, remedy in problems]
        raise Refused(*(Fault(notebook, cell, what, remedy) for cell, what, remedy in sorted(set(cells))))
    cell = read.statements[number].cell
    altered = {each: kinds for each, kinds in altered.items() if each in along.artifacts}
    return Called(name, node, cell, sorted(along.numbers), sorted(along.artifacts), altered)


def definition(read: Source, effects: Sequence[Effect], name: str, notebook: str) -> int:
    """Return the number of the one statement that defines the function."""
    nodes = [statement.node for statement in read.statements]
    there = [number for number, effect in enumerate(effects) if name in effect.defines]
    functions = sorted({node.name for node in nodes if isinstance(node, ast.FunctionDef)})
    remedy = f"Name one of: {', '.join(functions)}" if functions else f"Write a function in a cell: def {name}(…)"
    if not there and name not in read.parameters:
        raise Refused(Fault(notebook, None, f"no cell defines the function {name}", remedy))
    cell = read.statements[there[-1]].cell if there else None
    if len(there) > 1:
        cells = ", ".join(dict.fromkeys(str(read.statements[number].cell) for number in there))
        remedy = "Give each another name"
        raise Refused(Fault(notebook, cell, f"{name} is defined more than once, in cell {cells}", remedy))
    node = nodes[there[0]] if there else None
    if isinstance(node, ast.FunctionDef):
        return there[0]
    wrapped = f"Call it in a function at the top of a cell, and name that: def answer(…): return {name}(…)"
    raise Refused(Fault(notebook, cell, f"{name} is {kind(node, name)}, not a function that a cell defines", wrapped))


def kind(node: ast.stmt | None, name: str) -> str:
    """Say what a name stands for that is not a function of the notebook: a class, a lambda, a value, …"""
    if isinstance(node, ast.ClassDef):
        return "a class"
    if isinstance(node, ast.AsyncFunctionDef):
        return "an async function"
    if node is not None and name in imported(node):
        return "imported"
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Lambda):
        return "a lambda"
    inside = [item for item in ast.walk(node) if isinstance(item, ast.FunctionDef)] if node else []
    return "defined inside of another statement" if name in {item.name for item in inside} else "a value"


def closure(read: Source, effects: Sequence[Effect], name: str, number: int) -> Along:
    """Return what a function needs when it is called, and what the functions that it calls need."""
    nodes = [statement.node for statement in read.statements]
    along = Along(
        {n for n, node in enumerate(nodes) if isinstance(node, ast.ImportFrom) and node.module == "__future__"}
    )
    along.numbers |= settings(read.statements, effects)
    seen: set[str] = set()
    todo = [(name, number), *((each, n) for n in along.numbers for each in effects[n].uses)]
    while todo:
        each, by = todo.pop()
        if each in seen or each.startswith("<"):
            continue
        seen.add(each)
        there = [n for n, effect in enumerate(effects) if each in effect.defines]
        brought = [n for n in there if brings(nodes[n], each)]
        if not there and each not in read.parameters:
            if each not in dir(builtins):
                along.problems.append((by, f"{name} uses {each}, which no cell defines", "Define it in a cell"))
        elif not brought:
            along.artifacts.add(each)
        elif len({ast.dump(nodes[n]) for n in there}) > 1 or each in read.parameters:
            what = f"{each}, which {name} needs, is defined more than once"
            along.problems.append((there[-1], what, "Give each another name"))
        else:
            along.numbers.add(there[0])
            todo += [(used, there[0]) for used in effects[there[0]].uses]
    return along


def imports(statements: Sequence[Statement], effects: Sequence[Effect]) -> set[str]:
    """Return the imported names, except those of libraries that only draw."""
    return set().union(*(e.defines for s, e in zip(statements, effects) if e.imports and not draws(s)))


def settings(statements: Sequence[Statement], effects: Sequence[Effect]) -> set[int]:
    """Return the numbers of statements that set something in the process or in a library, and need only imports."""
    modules = imports(statements, effects)
    plain = modules | set(dir(builtins)) | {PROCESS}
    return {
        number
        for number, effect in enumerate(effects)
        if effect.alters & (modules | {PROCESS}) and effect.alters | effect.uses <= plain and not effect.defines
    }


def brings(node: ast.stmt, name: str) -> bool:
    """Return whether a statement defines a name as a function or a class, or imports it."""
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or name in imported(node)


def of_arguments(node: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield the problems of the signature: a request passes each argument by its name."""
    if node.decorator_list:
        yield f"{node.name} has a decorator", "Remove it, or call the function from one without a decorator"
    if node.args.vararg or node.args.kwarg or node.args.posonlyargs:
        yield f"{node.name} takes *, ** or / arguments", "Give each argument a name, without *, ** and /"
    if not [*node.args.args, *node.args.kwonlyargs]:
        yield f"{node.name} takes no arguments", "Deliver what it gives with --result"
    for item in [*node.args.args, *node.args.kwonlyargs]:
        if item.arg.startswith("_") or item.arg in {"artifacts", "samples", "model_config"}:
            yield f"its argument {item.arg} has a name that means something else in the project", "Give it another name"
    if any(isinstance(item, (ast.Yield, ast.YieldFrom)) for item in ast.walk(node)):
        yield f"{node.name} is a generator", "Return a list"


def of_state(name: str, summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield what makes an answer depend on more than the arguments, in the function and in those that it calls."""
    if CHANCE & (summary.alters | summary.reads):
        yield f"{name} draws random numbers", "Draw the numbers in a cell before it, with a seed"
    if FILES in summary.alters | summary.reads:
        yield f"{name} reads or writes files", "Read the files in a cell before it, and let the function use the data"
    if PROCESS in summary.alters:
        yield f"{name} may alter the process in which it runs", "Do that in a cell before it"


class Flat(Names):
    """What names share if elements are immutable numbers and texts: neither elements nor computed values are shared."""

    def shared(self, node: ast.AST) -> set[str]:
        element = isinstance(node, ast.Subscript) and not any(isinstance(part, ast.Slice) for part in ast.walk(node))
        if element or isinstance(node, ast.BinOp):
            return set()
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            return set().union(*map(self.shared, made)) - stored([part.target for part in node.generators])
        return super().shared(node)


def alters(statements: Sequence[Statement], analysis: Analysis, strict: Strict, name: str) -> dict[str, set[str]]:
    """Return the names that a function may alter, and the kinds of value that exclude it: scalar, flat, own or none."""
    set_inside = set().union(*(declared(statement.node) for statement in statements))
    own = analysis.known[name].alters | analysis.elements.called([name], sure=True)
    flat = Analysis(statements, Flat).known[name].alters
    of_own = strict.altered_by(name)
    found = {each for each in own if each in analysis.assigned | set_inside and each not in strict.settled - of_own}
    kinds = {
        each: {"scalar", *(["flat"] if each not in flat else []), *(["own"] if each not in of_own else [])}
        for each in sorted(found)
    }
    return {**kinds, **{each: set() for each in found & set_inside}}


def altering(name: str, each: str) -> tuple[str, str]:
    remedy = f"Let it work on a copy ({each}.copy(), copy.deepcopy({each})), and return the copy"
    return f"{name} may alter {each}, so an answer would depend on the calls before it", remedy


def of_definitions(statements: Sequence[Statement], numbers: set[int]) -> Iterator[Problem]:
    """Yield the values that functions and classes take when they are defined, since these may differ later."""
    remedy = "Write the value there, or use the name inside of the function"
    nodes = {number: statements[number].node for number in sorted(numbers)}
    functions = {node.name for node in nodes.values() if isinstance(node, ast.FunctionDef)}
    for number, node in nodes.items():
        for item in ast.walk(node):
            if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id in functions:
                yield number, f"it takes {ast.unparse(item)} from a function", "Assign that value to a name in a cell"
        for item in outer(node):
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                defaults = [*item.args.defaults, *filter(None, item.args.kw_defaults)]
                if not all(map(literal, defaults)):
                    yield number, f"a default of {item.name} is computed when it is defined", remedy
            elif isinstance(item, ast.ClassDef):
                own = [part.value for part in item.body if isinstance(part, (ast.Assign, ast.AnnAssign)) and part.value]
                if not all(map(literal, own)):
                    yield number, f"an attribute of the class {item.name} is computed when the class is defined", remedy


def of_code(analysis: Analysis, numbers: set[int]) -> Iterator[Problem]:
    """Yield code that means something else in another process: eval or vars, the environment, identity of objects."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = {number: analysis.nodes[number] for number in sorted(numbers)}
    for number, item in ((n, i) for n, node in nodes.items() if isinstance(node, definitions) for i in ast.walk(node)):
        path = analysis.names.path(item) if isinstance(item, (ast.Name, ast.Attribute)) else ""
        if isinstance(item, ast.Name) and item.id in {"eval", "vars", "id"}:
            yield number, f"it uses {item.id}, which means something else in a service", "Do not use it"
        if path in {"os.environ", "os.getenv", "os.getcwd"}:
            yield number, f"it uses {path}, which differs elsewhere", "Make it an argument of the function"
        if isinstance(item, ast.Compare) and compares_objects(item):
            yield number, f"it compares objects by identity: {ast.unparse(item)}", "Compare with =="


def compares_objects(node: ast.Compare) -> bool:
    """Return whether a comparison is by `is` or `is not`, and not with a constant such as None."""
    constant = any(isinstance(each, ast.Constant) for each in [node.left, *node.comparators])
    return not constant and any(isinstance(each, (ast.Is, ast.IsNot)) for each in node.ops)


def literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def of_others(analysis: Analysis, strict: Strict, along: Along, modules: set[str]) -> Iterator[Problem]:
    """Yield the statements that the project does not get, although they may alter what it gets."""
    effects = analysis.effects()
    there = modules.union({PROCESS}, *(effects[number].defines for number in along.numbers))
    remedy = "Do that in a statement that needs only imports, or where the value is defined; if the answer"
    remedy += " does not depend on it, give the cell the tag 'show'"
    for number, (node, effect) in enumerate(zip(analysis.nodes, effects)):
        if effect.star:
            yield number, "it imports *, so the names that it defines are not known", "Import the names"
        other = node.value.id if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) else ""
        spared = {each for each in strict.settled & effect.alters if number not in strict.altering(each)}
        altered = sorted(effect.alters & there - spared | {other} & there & analysis.names.callables.keys())
        if number not in along.numbers and altered:
            what = "the process" if altered == [PROCESS] else altered[-1]
            yield number, f"it may alter {what}, which the called function may need", remedy
