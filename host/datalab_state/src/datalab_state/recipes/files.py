# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for open files, and for pictures that are not loaded from their files yet."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any

from .. import arrays
from ..live import attempt
from .common import Recipe, Reduced, refuse


def _file(file: Any, _: Any) -> Reduced:
    if file in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        return getattr, (sys, file.name.strip("<>"))
    if file.closed:
        return attempt, ("closed file", _closed)
    if not isinstance(file.name, str):
        raise TypeError("an open pipe")
    mode = file.mode if isinstance(file.mode, str) else "rb"
    options: dict[str, Any] = {}
    if isinstance(file, io.TextIOWrapper):
        options = {"encoding": file.encoding, "errors": file.errors}
    elif isinstance(file, io.FileIO):
        options = {"buffering": 0}
    mode += "b" if not options.get("encoding") and "b" not in mode else ""
    try:
        position = None if "a" in mode else file.tell()
    except OSError:
        raise TypeError("a file that is being iterated over") from None
    mode = mode.replace("w+", "r+").replace("x+", "r+").replace("w", "r+").replace("x", "r+")
    return attempt, (f"file {file.name}", _open, os.path.abspath(file.name), mode, position, options)


def _open(name: str, mode: str, position: int | None, options: dict[str, Any]) -> Any:
    file = open(name, mode, **options)  # noqa: SIM115 - that is what is asked for
    if position is not None:
        if os.path.getsize(name) < position and "b" in mode:
            file.close()
            raise OSError(f"{name} is shorter than it was")
        file.seek(position)
    return file


def _closed() -> Any:
    file = io.StringIO()
    file.close()
    return file


def _stream(stream: Any, _: Any) -> Reduced:
    if stream.name in ("stdout", "stderr"):
        return getattr, (sys, stream.name)
    raise TypeError("an output of this kernel")


def _picture(picture: Any, _: Any) -> Reduced:
    """Reduce a picture; one that is only opened is loaded from its file anew, not through the kernel's open file."""
    if not getattr(picture, "tile", None) or not getattr(picture, "filename", ""):
        return None
    fresh = importlib.import_module("PIL.Image").open(picture.filename)
    fresh.load()
    fresh.info.update(picture.info)
    reduced: Reduced = fresh.__reduce_ex__(4)
    return reduced


def _memmap(array: Any, _: Any) -> Reduced:
    return arrays.reduce_memmap(array)


KINDS = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)
RECIPES: dict[Any, Recipe] = {**dict.fromkeys(KINDS, _file), "numpy.memmap": _memmap}
TEMPORARY = refuse("a temporary file or directory, which is removed with the kernel")
ALWAYS: dict[Any, Recipe] = {
    "tempfile._TemporaryFileWrapper": TEMPORARY,
    "tempfile.TemporaryDirectory": TEMPORARY,
    "ipykernel.iostream.OutStream": _stream,
    "PIL.ImageFile.ImageFile": _picture,
}
