# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types and functions that recipes share."""

from __future__ import annotations

import importlib
from typing import Any, Callable, Optional

Reduced = Optional[tuple[Any, ...]]
Recipe = Callable[[Any, dict[str, Any]], Reduced]


class Partly(Exception):
    """Raised if an object can be saved only in part; `reduced` is what `__reduce_ex__` would return for that part."""

    def __init__(self, why: str, reduced: Any) -> None:
        super().__init__(why)
        self.reduced = reduced


def call(path: str, *args: Any) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(*args)


def refuse(why: str) -> Recipe:
    def recipe(_: Any, __: Any) -> Reduced:
        raise TypeError(why)

    return recipe
