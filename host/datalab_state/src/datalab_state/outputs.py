# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write outputs to the notebook's file if they arrive while no tab is open; otherwise JupyterLab's page saves them.

The extension records every message that the kernel publishes for a cell. When the server says that no tab is connected,
the extension writes what came after the file was saved, only to cells with the same id and the same source. A cell that
a person has cleared and saved stays cleared.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import server, store

LIMIT = 10_000_000  # characters of output that are kept for a cell
KINDS = {"stream", "display_data", "execute_result", "error"}


@dataclass
class Cell:
    code: str
    count: int | None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    displays: list[str | None] = field(default_factory=list)  # the display id of each output
    size: int = 0
    clear: bool = False  # whether the next output replaces those before it
    when: float = field(default_factory=time.time)  # when the last output came
    changed: bool = True


class Noted:
    """The outputs of each cell, by the cell's id."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        self.lock = threading.Lock()

    def note(self, kind: str, content: dict[str, Any], cell_id: str) -> None:
        with self.lock:
            if kind == "execute_input":
                self.cells[cell_id] = Cell(content["code"], content["execution_count"])
            elif kind == "update_display_data":
                self._update(content)
            elif cell_id in self.cells:
                self._add(self.cells[cell_id], kind, content)

    def _add(self, cell: Cell, kind: str, content: dict[str, Any]) -> None:
        if kind == "clear_output":
            cell.clear = True
            if not content.get("wait"):
                self._empty(cell)
            return
        if kind not in KINDS:
            return
        if cell.clear:
            self._empty(cell)
        cell.size += len(json.dumps(content, default=str))
        _touch(cell)
        if cell.size > LIMIT:
            return
        last = cell.outputs[-1] if cell.outputs else {}
        if kind == "stream" and last.get("output_type") == "stream" and last["name"] == content["name"]:
            last["text"] = overwritten(last["text"] + content["text"])
            return
        output = {"output_type": kind, **{k: v for k, v in content.items() if k != "transient"}}
        if kind == "stream":
            output["text"] = overwritten(output["text"])
        cell.outputs.append(json.loads(json.dumps(output, default=str)))
        cell.displays.append((content.get("transient") or {}).get("display_id"))

    def _empty(self, cell: Cell) -> None:
        cell.outputs, cell.displays, cell.size, cell.clear = [], [], 0, False
        _touch(cell)

    def _update(self, content: dict[str, Any]) -> None:
        wanted = (content.get("transient") or {}).get("display_id")
        for cell in self.cells.values():
            for output, display in zip(cell.outputs, cell.displays):
                if wanted and display == wanted:
                    output.update(data=content["data"], metadata=content["metadata"])
                    _touch(cell)

    def changed(self) -> bool:
        with self.lock:
            return any(cell.changed for cell in self.cells.values())

    def merge(self, path: Path) -> int:
        """Write missing outputs to the file and return the number of cells; BlockingIOError if it changes meanwhile."""
        saved = path.stat().st_mtime
        with self.lock:
            changed = {key: cell for key, cell in self.cells.items() if cell.changed}
            todo = {
                key: (cell.code, cell.count, json.loads(json.dumps(cell.outputs)))
                for key, cell in changed.items()
                if cell.when > saved
            }
            self._all(changed=False, keys=changed)
        try:
            return _merge(path, todo)
        except BaseException:
            with self.lock:
                self._all(changed=True, keys=changed)
            raise

    def _all(self, *, changed: bool, keys: Any) -> None:
        for key in keys:
            self.cells[key].changed = changed


def _touch(cell: Cell) -> None:
    cell.when, cell.changed = time.time(), True


def _merge(path: Path, todo: dict[str, Any]) -> int:
    before = path.stat()
    document = json.loads(path.read_text(encoding="utf-8"))
    count = 0
    for cell in document["cells"]:
        code, number, outputs = todo.get(cell.get("id"), (None, None, None))
        if code is None or "".join(cell["source"]) != code or cell["cell_type"] != "code":
            continue
        outputs = [_lines(output) for output in outputs]
        if (cell["execution_count"], cell["outputs"]) != (number, outputs):
            cell["execution_count"], cell["outputs"] = number, outputs
            count += 1
    if not count:
        return 0
    new = path.with_name(f".{path.name}.datalab-new")
    new.unlink(missing_ok=True)
    with os.fdopen(store.create(new), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.chmod(before.st_mode & 0o777)
    if path.stat().st_mtime_ns != before.st_mtime_ns:
        new.unlink()
        raise BlockingIOError(f"{path} is being saved")
    new.replace(path)
    return count


def _lines(output: dict[str, Any]) -> dict[str, Any]:
    """Split each text of an output into the list of lines that Jupyter writes."""
    if isinstance(output.get("text"), str):
        output["text"] = output["text"].splitlines(keepends=True)
    for kind, value in (output.get("data") or {}).items():
        if isinstance(value, str) and not kind.endswith("json"):
            output["data"][kind] = value.splitlines(keepends=True)
    return output


def overwritten(text: str) -> str:
    """Return a text as a page shows it: a carriage return begins the line again."""
    head, newline, tail = text.rpartition("\n")
    open_end = "\r" if tail.endswith("\r") else ""
    tail = tail[: len(tail) - len(open_end)].rpartition("\r")[2] + open_end
    return head + newline + tail


def watch(session: Any) -> Noted:
    """Record what the kernel publishes, and write to the file if no tab is open."""
    noted = Noted()
    kernel = session.shell.kernel
    sender = kernel.session
    send = sender.send

    of_request: dict[str, str] = {}  # a cell's id, by the id of the message that runs it

    def both(*args: Any, **more: Any) -> Any:
        sent = send(*args, **more)
        with suppress(Exception):
            kind, request = sent["header"]["msg_type"], sent["parent_header"]["msg_id"]
            if kind == "execute_input":
                parent = kernel.get_parent("shell")
                if parent["header"]["msg_id"] == request and parent["metadata"].get("cellId"):
                    of_request[request] = parent["metadata"]["cellId"]
            if request in of_request:
                noted.note(kind, sent["content"], of_request[request])
        return sent

    sender.send = both
    threading.Thread(target=_look_after, args=(session, noted), daemon=True, name="datalab-outputs").start()
    return noted


def _look_after(session: Any, noted: Noted) -> None:
    while True:
        time.sleep(session.settings.look)
        with suppress(Exception):
            if noted.changed():
                look = server.look(session.notebook.connection_file, session.settings.server)
                if look and look.connections == 0:
                    noted.merge(look.path)
