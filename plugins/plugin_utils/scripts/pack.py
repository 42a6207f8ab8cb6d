# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Text in compressed form for a script."""

from __future__ import annotations

import lzma
from functools import lru_cache

# The preset has 64 MiB, which find nothing more in a program of some kilobytes, but take ten times as long.
DICTIONARY = 2**20
FOR_TEXT = {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0, "dict_size": DICTIONARY}


@lru_cache(maxsize=128)
def pack(text: str) -> str:
    """One line that on-start.sh turns into the text again: LZMA as a number, whose 94 digits are what ASCII can print.

    The same text gives the same line at any time and on any system that has the same liblzma. The old container format
    is the one with the least around its content, and begins with the byte 3. The line is about an eighth shorter
    than gzip and base64, and by a fiftieth than with the 85 digits of base64.b85encode.
    """
    packed = lzma.compress(text.encode(), format=lzma.FORMAT_ALONE, filters=[FOR_TEXT])
    number, digits = int.from_bytes(packed, "big"), []
    while number:
        number, digit = divmod(number, 94)
        digits.append(chr(33 + digit))
    return "".join(reversed(digits))
