# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text that a script can carry packed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gzip_base64
short_description: Text, compressed with gzip and encoded in base64
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - What C(base64 -d | gzip -d) turns into the text again.
  - The same text gives the same result at any time and on any system, as far as these have the same zlib.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
script: |
  base64 -d <<'END' | gzip -d | python3
  {{ lookup('ansible.builtin.file', 'program.py') | datalab.notebooks.gzip_base64 }}
  END
"""

RETURN = r"""
_value:
  description: One line without an end of line.
  type: str
"""

import base64
import gzip
from collections.abc import Callable
from typing import Any

OPERATING_SYSTEM = 9  # the position of this byte in a gzip header
UNKNOWN = b"\xff"


def gzip_base64(text: str) -> str:
    """The text packed, without a trace of when and where."""
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    packed = packed[:OPERATING_SYSTEM] + UNKNOWN + packed[OPERATING_SYSTEM + 1 :]
    return base64.b64encode(packed).decode()


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gzip_base64": gzip_base64}
