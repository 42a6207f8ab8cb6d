# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Values that no setting may have: secrets, and characters that end a line or are invisible.

Settings reach scripts, tags, policies and descriptions, which all who use an instance, or may look at the account, can
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.module_utils.common.credentials import credential_in

from .problems import shown

REMEDY = (
    "it must have none: all who use an instance or see the account can read it. Keep it in AWS Secrets Manager, or let"
    " the server admit the network of the instances"
)
# Settings that may have several lines, with the allowed invisible characters.
OF_SEVERAL_LINES = {"notebook_host_extra_steps": "\n\t", "notebook_host_ca_certificates": "\r\n\t"}


def value_problems(name: str, value: Any) -> Iterator[str]:
    """A sentence for each forbidden text in a value, at any depth; it never shows a secret."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str) and (wrong := list(_text_problems(f"{name}: one of the keys", key))):
                yield from wrong
                continue
            place = f"{name}: {shown(key)}"
            if isinstance(each, str) and (kind := credential_in(f"{key}: {each}")):
                yield f"{place} has {kind}; {REMEDY}"
            else:
                yield from value_problems(place, each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from value_problems(f"{name}[{index}]", each)
    elif isinstance(value, str):
        may_have = next((unseen for variable, unseen in OF_SEVERAL_LINES.items() if variable in name), "")
        yield from _text_problems(name, value, may_have)


def _text_problems(name: str, text: str, may_have: str = "") -> Iterator[str]:
    kind = credential_in(text)
    if kind:
        yield f"{name} has {kind}; {REMEDY}"
        return
    unwanted = next((char for char in text if not char.isprintable() and char not in may_have), "")
    if unwanted in ("\n", "\r"):
        yield (
            f"{name} is {shown(text)}; it must be one line: YAML keeps the line end of a block that begins with | or >,"
            " and leaves it out with |- or >-"
        )
    elif unwanted:
        yield f"{name} is {shown(text)}; it must not have the character U+{ord(unwanted):04X}, which cannot be seen"
