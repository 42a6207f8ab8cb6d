# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names that a piece of code alters, and the state without a name (random numbers, files, the process)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from . import words
from .calls import (
    FIGURES,
    RANDOM,
    called_name,
    generator,
    into,
    keyword,
    names_last,
    of_class,
    repeats,
    seeded,
    spares_no_argument,
    touched,
)
from .joining import bound
from .libraries import draws, fitted
from .scopes import Definition, parameters
from .sharing import PROCESS, Names, root, values

FILES = "<files>"
DISPLAY = "<options for displaying>"
WARNINGS = "<filters of warnings>"
OF_WITH = ("__enter__", "__exit__")  # the methods that a with statement calls


@dataclass
class Summary:
    """The effects of calling a function or a class of the notebook."""

    alters: set[str] = field(default_factory=set)  # names outside of the function, and state such as <files>
    reads: set[str] = field(default_factory=set)  # state without a name, such as <files>
    arguments: set[str] = field(default_factory=set)  # the names of the arguments that it alters
    definitions: tuple[Definition, ...] = ()  # all functions that may be called; empty if they are not known
    generator: bool = False

    @property
    def effective(self) -> bool:
        return bool(self.alters or self.arguments)


class Finder(ast.NodeVisitor):
    """A visitor that collects what a piece of code alters, and the state without a name that it reads."""

    def __init__(self, names: Names, known: dict[str, Summary], methods: dict[str, Summary]) -> None:
        self.names, self.known, self.methods = names, known, methods
        self.alters: set[str] = set()
        self.reads: set[str] = set()
        self.discarded: set[int] = set()
        self.asked: set[int] = set()  # ids of nodes of objects that are only asked, such as model in model.predict(x)

    def visit_Expr(self, node: ast.Expr) -> None:
        self.discarded.add(id(node.value))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, (ast.Store, ast.Del)):
            self.store(node)
        elif node.attr in words.MUTATES and not self.names.path(node) and not draws(node.value, self.names):
            self.alters |= self.names.shared(node.value)
        own = self.own(node)
        if own and own.effective:  # whatever gets this method may call it
            self.alters |= own.alters | self.names.shared(node.value)
        if node.attr in words.FRESH - words.BY_CHANCE or node.attr.endswith("_"):
            self.asked.add(id(node.value))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        name = root(node)
        if isinstance(node.ctx, (ast.Store, ast.Del)) or name in self.names.together(self.names.filled, {name}):
            self.store(node)
        self.generic_visit(node)

    def store(self, node: ast.expr) -> None:
        name = root(node)
        if name in self.names.modules:  # a library's attribute, which code that does not mention it may read
            text = f"{self.names.modules[name]}.{ast.unparse(node)}"
            display = re.search(r"\boptions\.(display|styler|plotting)\b", text)
            shown = FIGURES if words.DRAWS.search(self.names.modules[name]) else DISPLAY if display else PROCESS
            self.alters.add(shown)
        if any(called_name(part) in {"type", "vars"} for part in ast.walk(node)):
            self.alters.add(PROCESS)
        self.alters |= self.names.shared(node) | ({name} - {""})
        if any(isinstance(part, ast.Call) or getattr(part, "attr", "") == "__class__" for part in ast.walk(node)):
            self.alters |= self.names.classes  # such as type(a).n = 1

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.alters |= {root(node.target)} - {""}
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Note the effects of using a name; a function that is only mentioned may be called by whatever gets it."""
        summary = self.known.get(node.id)
        if summary and isinstance(node.ctx, ast.Load):
            self.alters |= summary.alters
            self.reads |= summary.reads
        if isinstance(node.ctx, ast.Load):
            self.touch(self.names.touches.get(node.id, set()) - ({RANDOM} if id(node) in self.asked else set()))
        if node.id in words.MAKES_TEXTS:
            self.reads.add(DISPLAY)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.reads.add(DISPLAY)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Mod) and not isinstance(node.right, ast.Constant):
            self.reads.add(DISPLAY)
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        self.reads.add(WARNINGS)  # a warning that a filter turns into an error is caught here
        self.generic_visit(node)

    def visit_withitem(self, node: ast.withitem) -> None:
        for own in filter(None, map(self.methods.get, OF_WITH)):
            self.alters |= own.alters | (self.names.shared(node.context_expr) if own.effective else set())
            self.reads |= own.reads
        self.generic_visit(node)

    def touch(self, tokens: set[str]) -> None:
        """Note that state without a name is read and altered: its new value depends on the old one.

        Only `figures.read` says whether figures are read: what is drawn makes no difference to anything else.
        """
        self.alters |= tokens
        self.reads |= tokens - {FIGURES}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for item in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(item)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        for item in node.decorator_list:
            self.visit(item)

    def visit_Call(self, node: ast.Call) -> None:
        path = self.names.path(node.func)
        self.given(node)
        if path:
            self.of_library(node, path)
        elif isinstance(node.func, ast.Attribute):
            self.of_method(node, node.func)
        else:
            self.of_function(node)
        self.callbacks(node)
        self.generic_visit(node)

    def given(self, node: ast.Call) -> None:
        """Note the effects on arguments and on state without a name that calls of every kind have."""
        self.touch(touched(node, self.names))
        named = [value for value in values(node) if isinstance(value, ast.Name)]
        self.alters |= {value.id for value in named if self.names.kinds.get(value.id, set()) & words.BUFFERS}
        for item in node.keywords:
            kinds = self.names.kinds.get(root(item.value), set())
            if item.arg in words.GENERATORS and kinds & {"RandomState", "default_rng", "Generator", "Random"}:
                self.alters |= self.names.shared(item.value)
            if item.arg in {"output", "buf", "stream"} or str(item.arg).startswith("overwrite_"):
                self.alters |= self.arguments(node)
        if any(self.names.path(value).rpartition(".")[2] in words.ALTERS for value in values(node)):
            self.alters |= self.arguments(node)
        if called_name(node) in words.MAKES_TEXTS_OF:
            self.reads.add(DISPLAY)
        if called_name(node) == "methodcaller":
            self.alters.add(PROCESS)

    def arguments(self, node: ast.Call) -> set[str]:
        return set().union(*(self.names.shared(value) for value in values(node)))

    def altered(self, node: ast.Call, called: Summary) -> set[str]:
        """Return what a call of a function of the notebook alters of its arguments."""
        if not called.arguments:
            return set()
        if not called.definitions or called_name(node) in self.names.rebound:
            return self.arguments(node)
        places = [bound(self.names, each, node) for each in called.definitions]
        return set().union(*(shared for place in places for name, shared in place.items() if name in called.arguments))

    def named(self, node: ast.Call) -> set[str]:
        """Return the names of functions, classes and modules among the arguments."""
        given = {value.id for value in values(node) if isinstance(value, ast.Name)}
        return given & (self.names.callables.keys() | self.names.modules.keys())

    def files(self, node: ast.Call, last: str) -> None:
        """Note whether a call reads or writes files, by the function's name and the mode."""
        modes = [value.value for value in values(node) if isinstance(value, ast.Constant)]
        if last == "rename" and not self.names.path(node.func) and of_table(node):
            return
        if words.WRITES_FILES.match(last) or (last == "open" and set("wax+") & set(str(modes[-1:]))):
            self.alters.add(FILES)
        if words.READS_FILES.match(last):
            self.reads.add(FILES)

    def of_library(self, node: ast.Call, path: str) -> None:
        top, last = path.partition(".")[0], path.rpartition(".")[2]
        discarded = id(node) in self.discarded
        if words.DRAWS.search(path):
            if path.startswith("warnings."):
                self.warnings(node, last)
            return
        self.files(node, last)
        self.touch(generator(path))
        in_place = keyword(node, "out") or keyword(node, "inplace")
        written = last in words.ALTERS or in_place or spares_no_argument(node)
        if written or into(node, path) or of_class(path) or (discarded and repeats(node)):
            self.alters |= self.arguments(node) | self.named(node)
        if last in words.SETS or last.startswith("register"):
            display = (
                node.args and isinstance(node.args[0], ast.Constant) and str(node.args[0].value).startswith("display")
            )
            self.alters |= {DISPLAY} if display or last == "set_printoptions" else {PROCESS}
        elif path.rpartition(".")[0] in words.OF_PROCESS and last in words.MUTATES:
            self.alters.add(PROCESS)
        elif top in words.COMPUTING:
            self.alters |= self.arguments(node) if discarded or last.endswith("_") else set()
            self.alters |= {PROCESS} if words.SETS_COMPUTING.search(path) else set()
        elif top in words.PROCESS:
            if discarded and last not in words.READS_PROCESS and not words.WRITES_FILES.match(last):
                self.alters.add(PROCESS)
        elif not words.PURE_MODULES.match(path) and not last[:1].isupper():
            self.alters |= self.arguments(node) | ({PROCESS} if discarded else set())

    def warnings(self, node: ast.Call, last: str) -> None:
        """Note a change of warning filters; one that may turn warnings into errors alters the process, and stays."""
        actions = [item.value for item in node.keywords if item.arg == "action"] or node.args[:1]
        harmless = all(isinstance(action, ast.Constant) and action.value != "error" for action in actions)
        if last in {"filterwarnings", "simplefilter", "resetwarnings"}:
            self.alters |= {WARNINGS} if harmless else {WARNINGS, PROCESS}
        elif last == "catch_warnings":
            self.reads.add(WARNINGS)

    def of_method(self, node: ast.Call, func: ast.Attribute) -> None:
        last, receiver = func.attr, self.names.shared(func.value)
        self.files(node, last)
        if draws(func.value, self.names):
            self.touch({FIGURES})
            return
        discarded = id(node) in self.discarded
        of_dict = discarded and last in words.FRESH and any(item.arg is None for item in node.keywords)
        if keyword(node, "inplace") or of_dict:
            self.alters |= receiver
        in_place = root(func) in self.names.in_place or any(
            isinstance(part, ast.Call) and spares_no_argument(part) for part in ast.walk(func)
        )
        may_be_given_a_place = discarded and not fitted(func.value, self.names)
        if keyword(node, "out") or in_place or (may_be_given_a_place and (repeats(node) or names_last(node))):
            self.alters |= self.arguments(node)
        if last in {"sample", "rvs"} and not seeded(node):
            self.touch({RANDOM})
        if last in words.SHOWS:
            self.touch({FIGURES})
        own = self.own(func)
        if own:
            self.alters |= own.alters | receiver | self.altered(node, own)
            self.reads |= own.reads
        elif last not in words.SPARES and "plot" not in ast.unparse(func).split("."):
            self.alters |= receiver
        if last == "subtract" and "Counter" in self.names.kinds.get(root(func), ()):
            self.alters |= receiver
        if last in words.ALTERS:
            self.alters |= self.arguments(node)

    def own(self, node: ast.Attribute) -> Summary | None:
        """Return the effects of the notebook's methods of this name; None if none of them can be meant."""
        return None if fitted(node.value, self.names) else self.methods.get(node.attr)

    def of_function(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name):
            self.alters |= self.arguments(node) | self.names.shared(node.func)
            return
        name = node.func.id
        self.files(node, name)
        if name in {"setattr", "delattr"} and node.args and self.names.path(node.args[0]):
            self.alters.add(PROCESS)
        if name in words.SETS and name not in self.known and name.startswith("set"):  # by a star import
            self.alters.add(PROCESS)
        if name in self.known:
            self.alters |= self.altered(node, self.known[name])
        elif name in words.ALTERS or name not in words.FRESH_BUILTINS | words.SHARING_BUILTINS | {"open"}:
            # A name that holds a function: calling it may alter what the function keeps, or the object of a method.
            altered = set() if name in self.names.spared else self.names.shared(node.func)
            self.alters |= altered | self.arguments(node) | self.named(node)
        elif keyword(node, "file"):
            self.alters |= self.arguments(node)

    def callbacks(self, node: ast.Call) -> None:
        """Note what functions that are passed to a call may alter: the call's arguments, and the objects of methods."""
        if called_name(node) in {"isinstance", "issubclass"}:
            return
        methods = [value for value in values(node) if isinstance(value, ast.Attribute)]
        for each in methods if called_name(node) in words.CALLS else ():
            self.alters |= self.names.shared(each) if each.attr not in words.SPARES else set()
        given = [value for value in values(node) if isinstance(value, (ast.Name, ast.Lambda))]
        for value in given:
            summary = self.known.get(value.id) if isinstance(value, ast.Name) else self.of_lambda(value)
            if summary and summary.arguments:
                self.alters |= self.arguments(node)
                if isinstance(node.func, ast.Attribute):
                    self.alters |= self.names.shared(node.func.value)

    def of_lambda(self, node: ast.Lambda) -> Summary:
        inner = Finder(self.names, self.known, self.methods)
        inner.visit(node.body)
        return Summary(arguments=inner.alters & set(parameters(node)))


def of_table(rename: ast.Call) -> bool:
    """Return whether a call of a method `rename` is one of a table, not of a file."""
    by_option = any(each.arg in {"columns", "index", "axis", "mapper"} for each in rename.keywords)
    return by_option or any(isinstance(each, (ast.Dict, ast.Lambda)) for each in rename.args)
