# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The placeholder for something that could not be saved or restored."""

from __future__ import annotations

from typing import Any


class NotRestored(RuntimeError):
    """Raised when a placeholder is used."""


class Missing:
    """A placeholder; using it raises an error that says why the value is missing."""

    def __init__(self, why: str) -> None:
        self.__dict__["_why"] = why

    def __repr__(self) -> str:
        return f"<not restored: {self._why}>"

    def __reduce__(self) -> Any:
        return Missing, (self._why,)

    def _fail(self, *_: object, **__: object) -> Any:
        raise NotRestored(f"This was not restored: {self._why}.")

    __call__ = __iter__ = __next__ = __getitem__ = __setitem__ = __len__ = __bool__ = __contains__ = _fail
    __enter__ = __exit__ = __await__ = __float__ = __int__ = __index__ = __add__ = __radd__ = __mul__ = _fail
    __setattr__ = _fail

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # as copy and pickle expect it
        return self._fail()
