# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the values of expressions may be and may have inside; what their evaluation alters is noted."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence

from . import kinds, words
from .depths import NOTHING, Groups, Node, Value, blurred, either, element, holding, new, of_name
from .functions import Flow
from .libraries import draws, fitted
from .scopes import Definition
from .sharing import Names, root
from .sharing import values as arguments
from .versions import plain

BUILT_IN = set(dir(builtins))
FORMS: dict[type, str] = {
    ast.Name: "name",
    ast.Lambda: "unnamed",
    **dict.fromkeys([ast.Tuple, ast.List, ast.Set], "sequence"),
    ast.Dict: "mapping",
    **dict.fromkeys([ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp], "comprehension"),
    ast.NamedExpr: "named",
    **dict.fromkeys([ast.Yield, ast.YieldFrom], "given"),
    ast.IfExp: "choice",
    ast.Subscript: "part",
    ast.Attribute: "attribute",
    ast.Call: "call",
}


class Values:
    """What is known of the objects of a notebook, and the values of expressions that follow from that."""

    def __init__(self, names: Names, nodes: Sequence[ast.stmt], assigned: set[str]) -> None:
        self.names, self.assigned, self.groups = names, assigned, Groups()
        self.kinds = kinds.Kinds(names, nodes)
        own = names.callables.keys() - names.rebound - names.stateful
        self.unshared = names.modules.keys() | own | (BUILT_IN - assigned)
        self.flows: dict[int, Flow] = {}
        self.functions: dict[str, list[Flow]] = {}  # by name, including methods
        self.held: dict[str, list[Flow]] = {}  # by the name of the object that holds them
        self.bound: set[str] = set()  # names that stand for methods of lists and the like
        self.classes: dict[str, list[Flow]] = {}  # by class: the functions that run when an object is made
        self.anew: set[int] = set()  # ids of assignments after which an argument's name stands for another value
        self.scopes: list[tuple[str, dict[str, str]]] = []  # the prefix, and what the scope's own names are called here
        self.altered: set[Node] = set()  # by the code that is read at the moment
        self.perhaps: set[Node] = set()  # altered if it is a list, and not if it is a number
        self.returned: list[Value] = []

    def hold(self, name: str, source: ast.expr) -> None:
        """Note which functions a name holds."""
        new_ones = [flow for flow in self.functions_in(source) if flow not in self.held.get(name, [])]
        if new_ones:
            self.held.setdefault(name, []).extend(new_ones)

    def loop(self, target: ast.expr, over: ast.expr) -> None:
        self.bind(target, element(self.value(over)), None)
        for item in ast.walk(target):
            if isinstance(item, ast.Name):
                self.hold(self.scoped(item.id), over)

    def bind(self, target: ast.expr, value: Value, source: ast.expr | None) -> None:
        raise NotImplementedError

    def function(self, node: Definition, of_class: str = "") -> Flow:
        raise NotImplementedError

    def scoped(self, name: str) -> str:
        return next((scope + own[name] for scope, own in reversed(self.scopes) if name in own), name)

    def value(self, node: ast.expr | None) -> Value:
        """Return what the value of an expression may be; note what its evaluation alters."""
        if node is None:
            return NOTHING
        if type(node) in FORMS:
            found: Value = getattr(self, FORMS[type(node)])(node)
            return found
        inside = [self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.Compare, ast.UnaryOp, ast.FormattedValue, ast.Slice)):
            return NOTHING
        if isinstance(node, ast.BinOp):
            return new(either(*inside))
        return either(*inside)

    def name(self, node: ast.Name) -> Value:
        name = self.scoped(node.id)
        if name != node.id or name not in self.unshared | self.kinds.numbers:
            return of_name(name)
        return NOTHING if name in self.unshared else (of_name(name)[0], *NOTHING[1:])

    def unnamed(self, node: ast.Lambda) -> Value:
        self.function(node)
        return NOTHING

    def sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        return either(
            *(
                new(self.value(item.value)) if isinstance(item, ast.Starred) else holding(self.value(item))
                for item in node.elts
            )
        )

    def mapping(self, node: ast.Dict) -> Value:
        for key in node.keys:
            self.value(key)
        pairs = zip(node.keys, map(self.value, node.values))
        return either(*(new(value) if key is None else holding(value) for key, value in pairs))

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        for part in node.generators:
            self.loop(part.target, part.iter)
            for condition in part.ifs:
                self.value(condition)
        made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return holding(either(*map(self.value, made)))

    def named(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.bind(node.target, value, node.value)
        return value

    def given(self, node: ast.Yield | ast.YieldFrom) -> Value:
        value = self.value(node.value)
        self.returned.append(new(value) if isinstance(node, ast.YieldFrom) else holding(value))
        return NOTHING

    def choice(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return either(self.value(node.body), self.value(node.orelse))

    def part(self, node: ast.Subscript) -> Value:
        self.value(node.slice)
        base, indexer = kinds.without_indexer(node.value)
        value = self.value(base)
        ways = self.kinds.ways(base, node.slice, indexer)
        return either(*(way(value) for way in ways))

    def attribute(self, node: ast.Attribute) -> Value:
        if self.names.path(node) or node.attr in words.FACTS:
            self.value(node.value)
            return NOTHING
        value = self.value(node.value)
        if node.attr in words.MUTATES and not draws(node.value, self.names):
            self.altered |= value[0]
            return holding(value)  # the method may be called later
        if node.attr in words.LIKE_ITSELF:
            return blurred(value)
        if self.kinds.of(node.value) in (kinds.TABLE, kinds.COLUMN):
            return value
        return either(element(value), *([] if self.kinds.of(node.value) == kinds.CONTAINER else [new(value)]))

    def call(self, node: ast.Call) -> Value:
        is_method, is_name = isinstance(node.func, ast.Attribute), isinstance(node.func, ast.Name)
        receiver = None if is_name else self.value(getattr(node.func, "value", node.func) if is_method else node.func)
        given = [(item, item.value if isinstance(item, ast.Starred) else item) for item in arguments(node)]
        values = {id(item): self.value(value) for item, value in given}
        self.alter(node, receiver or NOTHING, values)
        own = self.own_call(node, receiver, values)
        if own is not None:
            return own
        self.ask(node, receiver or NOTHING, values)
        returned = self.callbacks(node, receiver or NOTHING, values)
        return either(kinds.result(node, receiver, values, self.names, self.kinds), returned)

    def alter(self, node: ast.Call, receiver: Value, values: dict[int, Value]) -> None:
        """Note what a call of a library alters, and what it makes a part of its object."""
        last, everything = kinds.last_name(node.func), either(*values.values())
        options = {item.arg for item in node.keywords if getattr(item.value, "value", True) not in (False, None)}
        is_method = isinstance(node.func, ast.Attribute)
        unbound = is_method and last in words.MUTATES and root(node.func) in kinds.BUILT_IN
        memo = last == "deepcopy" and len(node.args) > 1
        if last in words.ALTERS or unbound or memo or "out" in options:
            self.altered |= everything[0]
        known = (words.SPARES | self.functions.keys()) - words.MUTATES
        drawn = isinstance(node.func, ast.Attribute) and draws(node.func.value, self.names)
        if is_method and not drawn and ("inplace" in options or not (last in known or self.names.path(node.func))):
            self.altered |= receiver[0]
        if not is_method and last in self.assigned - self.functions.keys() - self.classes.keys() - self.names.spared:
            self.altered |= element(self.value(node.func))[0]  # the object, if the name stands for its method
        if is_method and last in words.MUTATES:
            self.groups.join(element(receiver), everything)
        if "inplace" in options or (is_method and last in words.MUTATES - words.ADDS_ONE):
            self.groups.join(new(receiver), new(everything))
        for item in arguments(node):
            if isinstance(item, ast.Name) and self.scoped(item.id) in self.bound:
                self.altered |= element(self.value(item))[0]
            if isinstance(item, ast.Attribute) and item.attr in words.MUTATES and root(item) in kinds.BUILT_IN:
                self.altered |= element(blurred(either(receiver, everything)))[0]

    def ask(self, node: ast.Call, receiver: Value, values: dict[int, Value]) -> None:
        """Note what a library's object alters when it is asked, by the functions and objects that it contains."""
        everything = either(*values.values())
        held = self.functions_in(node.func.value) if isinstance(node.func, ast.Attribute) else []
        for flow in held:
            self.run(flow, flow.all_bound(either(everything, new(blurred(everything)))))
        if kinds.last_name(node.func) in words.ASKS:
            asked = [flow for name in words.ASKS for flow in self.functions.get(name, []) if flow.of_class]
            if any(flow.alters_itself for flow in asked):
                self.altered |= receiver[0] | blurred(receiver)[1]

    def own_call(self, node: ast.Call, receiver: Value | None, values: dict[int, Value]) -> Value | None:
        """Return the value of a call of a function, a method or a class of the notebook; None for other calls."""
        name = kinds.last_name(node.func)
        if isinstance(node.func, ast.Name) and name in self.classes:
            inside = holding(either(*values.values()))
            made = [self.run(flow, flow.binding(node, values, NOTHING)) for flow in self.classes[name]]
            selves = [self.made_by(flow, flow.binding(node, values, NOTHING)) for flow in self.classes[name]]
            return either(*made, *(selves or [inside]))
        if self.names.path(node.func):
            return None
        flows = self.functions.get(name, [])
        if isinstance(node.func, ast.Attribute):
            of_library = fitted(node.func.value, self.names) or draws(node.func.value, self.names)
            flows = [flow for flow in flows if flow.of_class and not of_library]
        by_class = isinstance(node.func, ast.Attribute) and root(node.func.value) in self.classes
        for flow in flows:
            self.hand_over(node, flow)
        found = [
            self.run(flow, flow.binding(node, values, receiver if flow.takes_object and not by_class else None))
            for flow in flows
        ]
        held = self.held.get(self.scoped(name), []) if isinstance(node.func, ast.Name) else []
        everything = either(*values.values())
        found += [self.run(flow, flow.all_bound(everything)) for flow in held]
        return either(*found) if found else None

    def hand_over(self, node: ast.Call, flow: Flow) -> None:
        """Note which functions are passed as arguments to a function."""
        names = flow.parameters[1:] if flow.takes_object else flow.parameters
        by_name = {plain(name): name for name in flow.parameters}
        named = [(by_name[item.arg], item.value) for item in node.keywords if item.arg in by_name]
        for name, value in [*zip(names, node.args), *named]:
            self.hold(f"{flow.scope}{name}", value)

    def run(self, flow: Flow, binding: dict[str, Value]) -> Value:
        altered, given = flow.called(binding, self.groups)
        self.altered |= altered
        return given

    def made_by(self, flow: Flow, binding: dict[str, Value]) -> Value:
        """Return a new object of a class: what it has inside is what the class puts there."""
        me = flow.scope + flow.parameters[0] if flow.parameters else ""
        inside = [self.groups.all([node]) for node in ((me, depth) for depth in range(1, 4))]
        return (frozenset(), *(frozenset().union(*(flow.put(n, binding) for n in nodes)) for nodes in inside))

    def callbacks(self, node: ast.Call, receiver: Value, values: dict[int, Value]) -> Value:
        """Run the functions that are passed to a call: they get what is inside of everything that is passed to it."""
        flows = [flow for item in arguments(node) for flow in self.functions_in(item)]
        if not isinstance(node.func, (ast.Name, ast.Attribute)):
            flows += self.functions_in(node.func)
        whole = either(receiver, *values.values())
        rows = kinds.gives_tables(node, self.kinds)
        of_library = self.names.path(node.func) or isinstance(node.func, ast.Attribute)
        inside = blurred(new(whole)) if rows else either(element(blurred(whole)), new(blurred(whole)))
        inside = inside if of_library or kinds.last_name(node.func) in words.SHARING_BUILTINS else either(inside, whole)
        return holding(either(*(self.run(flow, flow.all_bound(inside)) for flow in flows)))

    def functions_in(self, node: ast.AST) -> list[Flow]:
        """Return the functions that a value is or has: by name, a method, a lambda, a partial of one."""
        if isinstance(node, ast.Name):
            return [*self.functions.get(node.id, []), *self.held.get(self.scoped(node.id), [])]
        if isinstance(node, ast.Attribute):
            return [flow for flow in self.functions.get(node.attr, []) if flow.of_class]
        if isinstance(node, ast.Lambda):
            return [self.flows[id(node)]] if id(node) in self.flows else []
        inside: list[ast.AST] = [*ast.iter_child_nodes(node)]
        if isinstance(node, ast.Call):
            own = self.functions.get(kinds.last_name(node.func), [])
            made = [flow for flow in self.flows.values() if any(each.scope in flow.outer for each in own)]
            inside = [*arguments(node)] if own or kinds.keeps_functions(node) else []
            if isinstance(node.func, ast.Attribute) and node.func.attr in {"fit", "set_params"}:
                inside.append(node.func.value)  # the object, which these methods return
            return [*made, *(flow for item in inside for flow in self.functions_in(item))]
        return [flow for item in inside for flow in self.functions_in(item)]
