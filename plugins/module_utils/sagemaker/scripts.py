# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Reasons why a lifecycle script could not run on an instance."""

from __future__ import annotations

import base64
import lzma
import re
import shutil
from collections.abc import Callable, Iterator

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_NotebookInstanceLifecycleHook.html
SCRIPT_LENGTH = 16384

PACKED = re.compile(r"<<'PROGRAM'\n([!-~]+)\nPROGRAM\n")

RunCommand = Callable[..., tuple[int, str, str]]


def script_problems(script: str, run_command: RunCommand) -> Iterator[str]:
    """Reasons why a lifecycle script could not run on an instance; `run_command` is the module's."""
    if not script.startswith("#!"):
        yield "the first line must name the interpreter, like #!/bin/bash"
    if "\r" in script:
        yield "it has Windows line ends (CR LF), so the system cannot find the program of line 1; save it with LF"
    size = len(base64.b64encode(script.encode()))
    unpacked = _unpacked(script)
    if size > SCRIPT_LENGTH:
        yield f"it has {size:,} characters in base64; AWS takes {SCRIPT_LENGTH:,}. {_largest_parts(unpacked)}".rstrip()
    if re.match(r"#!.*\b(ba)?sh\b", script):
        yield from _syntax_errors(script, run_command)
        if unpacked != script:
            yield from _syntax_errors(unpacked, run_command)


def readable(script: str) -> str:
    """A script of the role notebook_host with the program that it carries as text; any other script as it is."""
    packed = PACKED.search(script)
    return f"{script[: packed.start(1)]}{_unpacked(script)}{script[packed.end(1) :]}" if packed else script


def _unpacked(script: str) -> str:
    """The program that a script of the role notebook_host carries; any other script as it is."""
    packed = PACKED.search(script)
    try:
        return unpack(packed[1]) if packed else script
    except (ValueError, lzma.LZMAError):
        return script


def unpack(line: str) -> str:
    """The text that plugin_utils/scripts/pack.py has packed."""
    number = 0
    for digit in line:
        number = number * 94 + ord(digit) - 33
    return lzma.decompress(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


def _largest_parts(script: str) -> str:
    """The sizes of the shell functions of a script before it is packed, the largest first."""
    functions = re.finditer(r"^(\w+)\(\) *\{\n.*?^\}$", script, re.DOTALL | re.MULTILINE)
    sizes = sorted(((len(function[0].encode()) * 4 // 3, function[1]) for function in functions), reverse=True)
    return "Largest: " + ", ".join(f"{name} {size:,}" for size, name in sizes[:6]) if sizes else ""


def _syntax_errors(script: str, run_command: RunCommand) -> Iterator[str]:
    bash = shutil.which("bash")
    if bash:
        code, _output, errors = run_command([bash, "-n"], data=script)
        if code:
            yield f"bash -n says: {errors.strip()}"
