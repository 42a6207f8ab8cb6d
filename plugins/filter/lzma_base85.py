# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text that a script can carry packed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lzma_base85
short_description: Text, compressed with LZMA and encoded in base85
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - What Python's C(lzma.decompress(base64.b85decode(…))) turns into the text again.
  - The same text gives the same result at any time and on any system, as far as these have the same liblzma.
  - It is about a tenth shorter than gzip and base64.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
script: |
  python3 -c 'import base64, lzma; print(lzma.decompress(base64.b85decode(input())).decode())' <<'END'
  {{ lookup('ansible.builtin.file', 'program.sh') | datalab.notebooks.lzma_base85 }}
  END
"""

RETURN = r"""
_value:
  description: One line without an end of line.
  type: str
"""

import base64
import lzma
from collections.abc import Callable
from typing import Any

FOR_TEXT = {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0}


def lzma_base85(text: str) -> str:
    """The text packed; the old container format is the one with the least around its content."""
    packed = lzma.compress(text.encode(), format=lzma.FORMAT_ALONE, filters=[FOR_TEXT])
    return base64.b85encode(packed).decode()


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"lzma_base85": lzma_base85}
