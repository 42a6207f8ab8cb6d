# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data that a project does not have: on the network, or at a path of one machine, even if the path is computed."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import words
from .expressions import called
from .flow import Flow
from .sharing import Names
from .texts import Text

ADDRESS = re.compile(r"^(?:jdbc:)?([A-Za-z][\w.-]*)(\+[\w.-]+)*://")
LOCAL = {"file", "local", "sqlite", "duckdb", "memory", "zip", "tar", "simplecache", "filecache", "blockcache"}
ROOTED = re.compile(r"^(?:(?:file|local):/*(?=/)|(?:sqlite|duckdb)(?:\+\w+)?:///(?=/))")
NETWORK = "Save the data beside the notebook once, in a cell with the tag 'skip', and read that file"
MACHINE = "Copy the file beside the notebook, and read it by a relative path"


def faults(
    nodes: Sequence[ast.stmt], names: Names, given: Mapping[str, object], inputs: set[str]
) -> dict[int, list[tuple[str, str]]]:
    """Return for each statement, by its number, what it reads from elsewhere, and the remedy."""
    flow = Flow(nodes, names, given, inputs)
    found: dict[int, list[tuple[str, str]]] = {number: [] for number in range(len(nodes))}
    numbers = {id(node): number for number, node in enumerate(nodes)}
    written: set[str] = set()

    def look(node: ast.stmt, call: ast.Call) -> None:
        kind = kind_of(call, flow)
        texts = list(places(call, kind, flow))
        name = ast.unparse(call.func)
        if words.NETWORK.match(names.path(call.func) or name) or any(map(remote, texts)):
            found[numbers[id(node)]].append((f"it reads over the network: {name}(…)", NETWORK))
        elif kind == "writes":
            written.update(text.head.rstrip("/") for text in texts)
        elif any(on_this_machine(text, written, surely=kind == "reads") for text in texts):
            found[numbers[id(node)]].append((f"it reads a path that only this machine has: {name}(…)", MACHINE))

    flow.tell(look)
    return found


def kind_of(call: ast.Call, flow: Flow) -> str:
    """Return whether a call reads or writes files ("reads", "writes"), may read some ("may"), or neither ("")."""
    name, path = called(call), flow.names.path(call.func)
    if writes(call, name, path):
        return "writes"
    if words.WRITES_FILES.match(name) or flow.own(call):
        return ""
    if is_reader(call.func, flow.names) or any(is_reader(value, flow.names) for value in call.args):
        return "reads"
    if path:
        return "" if words.PURE_MODULES.match(path) or words.DRAWS.search(path) else "may"
    pure = words.LEAVES_FILES if isinstance(call.func, ast.Attribute) else set(dir(builtins))
    return "" if name in pure or name in flow.classes else "may"


def writes(call: ast.Call, name: str, path: str) -> bool:
    if name == "open":
        modes = call.args[0 if isinstance(call.func, ast.Attribute) and not path else 1 :][:1]
        modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
        return any(isinstance(mode, ast.Constant) and re.match(r"[wax]", str(mode.value)) for mode in modes)
    return bool(words.WRITES_FILES.match(name)) and name not in words.WRITES_CONTENT


def is_reader(node: ast.expr, names: Names) -> bool:
    """Return whether an expression is a function that reads: a built-in, a library's, or a method with such a name."""
    if isinstance(node, ast.Name):
        last = names.path(node).rpartition(".")[2] or (node.id if node.id == "open" else "")
    else:
        last = node.attr if isinstance(node, ast.Attribute) else ""
    return bool(words.READS_FILES.match(last)) or last in {"chdir", "PosixPath"}


def places(call: ast.Call, kind: str, flow: Flow) -> Iterator[Text]:
    """Yield the texts by which a call may name a place."""
    if not kind:
        return
    keywords = [each for each in call.keywords if each.arg not in words.NAMES_NO_PLACE]
    if kind == "may":
        keywords = [each for each in keywords if words.NAMES_A_PLACE.search(each.arg or "")]
    arguments = call.args if kind != "may" else call.args[:1]
    for value in [*arguments, *(each.value for each in keywords)]:
        if not isinstance(value, ast.Dict):
            yield from (text for text in flow.of(value) if kind == "reads" or not text.inside)


def remote(text: Text) -> bool:
    """Return whether a text is an address such as s3://…, or has one behind others: simplecache::s3://…"""
    found = [ADDRESS.match(part) for part in text.head.split("::")]
    return any(match is not None and match[1].lower() not in LOCAL for match in found)


def on_this_machine(text: Text, written: set[str], *, surely: bool) -> bool:
    """Return whether a text is an absolute path that the notebook has not written itself."""
    head = ROOTED.sub("", text.head)
    if head.startswith("~"):
        return surely and head[1:2] in {"", "/"}
    if not head.startswith("/") or head.startswith(("//", "/dev/")):
        return False
    if any(head == place or head.startswith(f"{place}/") for place in written if place):
        return False
    if surely:
        return len(Path(head).parts) > 1 and Path("/", Path(head).parts[1]).exists()
    return text.whole and "\n" not in head and Path(head).is_file()
