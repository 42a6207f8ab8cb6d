# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each statement of a notebook uses, defines and alters."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from . import figures, once, words
from .alterations import Finder, Summary
from .apart import set_apart
from .calls import CHANCE, FIGURES, consumed, gives_seeds, renewed
from .elements import Elements
from .joining import functions, join_all
from .noted import note_names
from .objects import note_objects
from .scopes import (
    Function,
    declared,
    decorated,
    functions_and_classes,
    implicit,
    imported,
    in_queries,
    in_texts,
    is_flat_function,
    is_query,
    keeps_state,
    mentioned,
    mentioned_otherwise,
    outer,
    outside,
    own_names,
    own_values,
    parameters,
    with_defaults,
)
from .sharing import PROCESS, Names, bindings, root
from .source import Statement
from .spans import Spans
from .versions import numbered, plain


@dataclass
class Effect:
    """The effect of a statement on names."""

    uses: set[str]
    defines: set[str]
    alters: set[str]
    binds: bool  # it certainly gives its names a new value
    guards: bool  # it may stop the run
    imports: bool = False
    star: bool = False
    renews: set[str] = field(default_factory=set)  # what has the same value afterwards, whatever the value was before
    numbered: Effect | None = None  # the same effect with numbered names, as in versions.py


def of(statements: Sequence[Statement]) -> list[Effect]:
    """Return the effects of all statements of a notebook."""
    return [in_plain_names(effect) for effect in Analysis(numbered(set_apart(statements))).effects()]


def in_plain_names(effect: Effect) -> Effect:
    uses, defines, alters = (set(map(plain, names)) for names in (effect.uses, effect.defines, effect.alters))
    return replace(effect, uses=uses, defines=defines, alters=alters, numbered=effect)


class Analysis:
    """The facts about a notebook as a whole."""

    def __init__(self, statements: Sequence[Statement], kind: type[Names] = Names) -> None:
        self.nodes = [statement.node for statement in statements]
        self.names = kind()
        self.known: dict[str, Summary] = {}
        self.methods: dict[str, Summary] = {}
        self.touchy: set[str] = set()  # classes whose objects may alter themselves without an explicit call
        self.tables = [outside(node) for node in self.nodes]
        self.assigned = {PROCESS}.union(*(defines for _, defines in self.tables), *map(declared, self.nodes))
        self.names.builtins = frozenset(dir(builtins)) - self.assigned
        texts = set().union(*map(in_texts, self.nodes))
        aliases = {root(target) for node in self.nodes for target, value in bindings(node) if is_query(value)}
        self.tables = [
            (uses | (texts if uses & aliases else in_queries(node, texts)) & self.assigned, defines)
            for node, (uses, defines) in zip(self.nodes, self.tables)
        ]
        note_names(self.names, self.nodes, [uses for uses, _ in self.tables])
        self.names.functions = functions(self.nodes)
        self.names.rebound = self.rebound()
        note_objects(self.names, self.nodes)
        self.names.spared = self.spared()
        self.names.filled = self.filled()
        self.names.returned = self.returned()
        self.summarise()
        self.names.methods = set(self.methods)
        self.names.keeps = {
            name: {each for each in summary.alters if not each.startswith("<")}
            for name, summary in self.known.items()
            if any(not each.startswith("<") for each in summary.alters)
        }
        for node in self.nodes:
            if isinstance(node, ast.ClassDef):
                for value in own_values(node):
                    self.names.join({node.name} | self.names.shared(value))
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                join_all(self.names, node)
        self.carried = self.carriers()
        generators = {name for known in (self.known, self.methods) for name, item in known.items() if item.generator}
        self.iterators = once.names(self.nodes, self.names, generators) & self.assigned
        self.elements = Elements(self.names, self.nodes, self.assigned)
        self.one_shot = self.iterators | self.elements.holders(self.iterators)

    def summarise(self) -> None:
        """Summarise each function and method, and repeat that until nothing is new, since they may call each other."""
        count = -1
        while count != (count := sum(len(s.alters) + len(s.reads) + len(s.arguments) for s in self.summaries())):
            for node in self.nodes:
                for item in functions_and_classes(node):
                    if not isinstance(item, ast.ClassDef):
                        self.known[item.name] = merged([self.summary(item)], self.known.get(item.name))
                        continue
                    inner = [part for part in item.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
                    for part in inner:
                        found = self.summary(part)
                        if found.arguments and decorated(part, "classmethod"):
                            found.alters.add(item.name)
                        if any(map(keeps_state, part.decorator_list)):
                            found.arguments |= set(parameters(part))
                        self.methods[part.name] = merged([found], self.methods.get(part.name))
                    both = merged([self.methods[part.name] for part in inner], self.known.get(item.name))
                    self.known[item.name] = replace(both, definitions=())
                    if any(implicit(part) and self.methods[part.name].effective for part in inner):
                        self.touchy.add(item.name)

    def summaries(self) -> list[Summary]:
        return [*self.known.values(), *self.methods.values()]

    def summary(self, node: Function) -> Summary:
        names = self.inside(node)
        finder = Finder(names, self.known, self.methods)
        for item in ast.walk(node):
            for part in item.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) else ():
                self.find(finder, part)
        own = own_names(node)
        alters = names.together(finder.alters, own | self.assigned)
        kept = self.kept(node, alters)
        return Summary(
            alters={name for name in alters if name.startswith("<") or name not in own} | declared(node) | kept,
            reads=finder.reads,
            arguments=alters & set(parameters(node)),
            definitions=(node,),
            generator=any(isinstance(item, (ast.Yield, ast.YieldFrom)) for item in ast.walk(node)),
        )

    def find(self, finder: Finder, node: ast.stmt) -> None:
        """Let the finder note what a statement alters and reads."""
        finder.visit(node)
        if figures.read(node, finder.names):
            finder.reads.add(FIGURES)

    def inside(self, node: Function) -> Names:
        """Return which names share objects inside of a function."""
        known = self.names
        names = type(known)(known.modules, known.callables, known.classes, known.stateful, returned=known.returned)
        names.rebound, names.filled = known.rebound, known.filled
        names.returning = known.returning
        names.builtins = known.builtins - own_names(node)
        names.drawn, names.models, names.methods = known.drawn, known.models, known.methods
        names.makers, names.call_own = known.makers, known.call_own
        names.touches, names.in_place, names.spared = known.touches, known.in_place, known.spared - own_names(node)
        for item in node.body:
            join_all(names, item)
        return names

    def spared(self) -> set[str]:
        """Return the names of callable objects that a call does not alter, whatever statement assigns them."""
        found: dict[str, bool] = {}
        for node, (_, defines) in zip(self.nodes, self.tables):
            value = node.value if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None
            computes = isinstance(value, ast.Call) and self.names.path(value.func) in words.COMPUTES
            found.update({name: computes and found.get(name, True) for name in defines})
        set_inside = set().union(*map(declared, self.nodes))
        return {name for name, computes in found.items() if computes} - set_inside

    def filled(self) -> set[str]:
        """Return the names of objects that reading may alter: of a defaultdict, or of functions that mention one."""
        makers = {"defaultdict"}
        while True:
            items = [item for node in self.nodes for item in functions_and_classes(node)]
            new = {item.name for item in items if mentioned(item) & (makers | {"__missing__"})} - makers
            if not new:
                break
            makers |= new
        pairs = [pair for node in self.nodes for pair in bindings(node, loops=False)]
        return {root(target) for target, value in pairs if mentioned(value) & makers} - {""}

    def rebound(self) -> set[str]:
        """Return the functions and classes whose names another statement gives a value, too."""
        others = [names for node, (_, names) in zip(self.nodes, self.tables) if not functions_and_classes(node)]
        return self.names.callables.keys() & set().union(*others)

    def returned(self) -> dict[str, set[str]]:
        """Return, for each function without decorators, the names outside of it that its value may be a part of."""
        found: dict[str, set[str]] = {}
        others = set()
        for item in (item for node in self.nodes for item in functions_and_classes(node)):
            if isinstance(item, ast.ClassDef) or item.decorator_list:
                others.add(item.name)
            else:
                found.setdefault(item.name, set()).update(self.returned_by(item))
        return {name: shared for name, shared in found.items() if name not in others}

    def returned_by(self, node: Function) -> set[str]:
        names = self.inside(node)
        given = [item.value for item in ast.walk(node) if isinstance(item, (ast.Return, ast.Yield, ast.YieldFrom))]
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        shared = set().union(*(names.shared(value) for value in [*given, *defaults] if value is not None))
        own = set() if all(isinstance(each, ast.Constant) for each in defaults) else {node.name}
        return own | names.together(shared, self.assigned) & self.assigned - own_names(node)

    def kept(self, node: Function, alters: set[str]) -> set[str]:
        """Return what a function keeps between calls: defaults that it alters, and what its decorators keep."""
        found: set[str] = set()
        for argument, default in with_defaults(node.args):
            if default is not None and argument.arg in alters and not isinstance(default, ast.Constant):
                found |= {node.name} | self.names.shared(default)
        for decorator in filter(keeps_state, node.decorator_list):
            found |= {node.name}
            name = root(decorator)
            found |= self.known[name].alters if name in self.known else set()
        return found

    def carriers(self) -> dict[str, set[str]]:
        """Return the names of the functions that each name may hold, itself or in an object that calls them."""
        carried: dict[str, set[str]] = {name: {name} for name in self.known}
        gets = []
        for node, (_, defines) in zip(self.nodes, self.tables):
            finder = Finder(self.names, self.known, self.methods)
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
                finder.visit(node)
            stored = {root(item) for item in ast.walk(node) if isinstance(item, (ast.Attribute, ast.Subscript))}
            gets.append(defines | (finder.alters & stored))
        for number, (node, names) in enumerate(zip(self.nodes, gets)):
            read_at_once = set(map(id, consumed(node, self.assigned)))
            for item in outer(node):
                if isinstance(item, (ast.Lambda, ast.GeneratorExp)) and id(item) not in read_at_once:
                    self.run_later(f"<later {number}>", item)
                    for name in names:
                        carried.setdefault(self.names.leader(name), set()).add(f"<later {number}>")
        giving_data = self.giving_data()
        for node, (uses, _), names in zip(self.nodes, self.tables, gets):
            held = uses - (giving_data - mentioned_otherwise(node))
            inside = set().union(*(carried.get(name, set()) for name in held))
            for name in names - set(self.known):
                carried.setdefault(self.names.leader(name), set()).update(inside)
        return carried

    def giving_data(self) -> set[str]:
        """Return the functions whose value has no function inside, except those that they are given."""
        there: dict[str, list[ast.AST]] = {}
        for item in (item for node in self.nodes for item in functions_and_classes(node)):
            there.setdefault(item.name, []).append(item)
        found = {name for name, nodes in there.items() if all(map(is_flat_function, nodes))} - self.names.rebound
        while True:
            known = found | self.names.modules.keys()
            wrong = {
                name
                for name in found
                if (self.names.callables[name] & self.assigned) - known
                or any(mentioned_otherwise(node) & self.known.keys() for node in there[name])
            }
            if not wrong:
                return found
            found -= wrong

    def run_later(self, name: str, node: ast.Lambda | ast.GeneratorExp) -> None:
        """Note a lambda or a generator as a function, since it takes names from outside when it is called."""
        finder = Finder(self.names, self.known, self.methods)
        finder.generic_visit(node)
        if figures.read(node, self.names):
            finder.reads.add(FIGURES)
        self.names.callables.setdefault(name, set()).update(outside(ast.Expr(node))[0])
        self.known[name] = merged([Summary(finder.alters & self.assigned, finder.reads)], self.known.get(name))

    def effects(self) -> list[Effect]:
        spans = Spans(self.names, self.methods, self.nodes, self.assigned)
        found = [self.effect(number, *table) for number, table in enumerate(self.tables)]
        for node, effect in zip(self.nodes, found):
            written, read = spans.pass_by(node, effect.alters)
            effect.alters |= written
            effect.uses |= read
            effect.renews = renewed(node, self.names)
            effect.uses -= effect.renews
        if not any(gives_seeds(item) for node in self.nodes for item in ast.walk(node)):
            for effect in found:  # without a seed, it makes no difference what was drawn before
                effect.uses -= CHANCE
        return found

    def effect(self, number: int, uses: set[str], defines: set[str]) -> Effect:
        node = self.nodes[number]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            star = any(alias.name == "*" for alias in node.names)
            return Effect(set(), set(imported(node)), set(), binds=True, guards=False, imports=True, star=star)
        finder = Finder(self.names, self.known, self.methods)
        self.find(finder, node)
        uses = uses & (self.assigned | (uses - set(dir(builtins))))
        is_definition = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        alters = set(finder.alters)
        if not is_definition:
            functions = set().union(*(self.carried.get(self.names.leader(name), set()) for name in uses))
            alters |= self.elements.alters(number, functions) & self.assigned
            for name in functions:
                uses = uses | self.called(name)
                alters |= self.known[name].alters
                finder.reads |= self.known[name].reads
            alters |= {name for name in uses if self.carried.get(self.names.leader(name), set()) & self.touchy}
        read = self.names.together(uses & self.iterators, self.iterators)
        return Effect(
            uses=uses | finder.reads,
            defines=defines,
            alters=self.names.together(alters, self.assigned) | (uses & self.one_shot) | read,
            binds=is_definition
            or (isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and bool(defines)),
            guards=any(isinstance(item, (ast.Assert, ast.Raise)) for item in outer(node)),
        )

    def called(self, name: str) -> set[str]:
        """Return what a function needs from outside when it is called, and what the functions need that it calls."""
        found: set[str] = set()
        todo = [name]
        while todo:
            for needed in self.names.callables.get(todo.pop(), set()) - found:
                if needed in self.assigned:
                    found.add(needed)
                    todo.append(needed)
        return found


def merged(summaries: Sequence[Summary], other: Summary | None = None) -> Summary:
    both = [*summaries, *([other] if other else [])]
    return Summary(
        alters=set().union(*(item.alters for item in both)),
        reads=set().union(*(item.reads for item in both)),
        arguments=set().union(*(item.arguments for item in both)),
        definitions=tuple({id(each): each for item in both for each in item.definitions}.values()),
        generator=any(item.generator for item in both),
    )
