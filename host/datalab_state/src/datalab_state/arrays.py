# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pickle NumPy arrays so that arrays that share memory share it again, and an array that maps a file maps it again."""

from __future__ import annotations

import array as array_module
import sys
from typing import Any

from .live import attempt
from .recipes import tensors


def bottom(array: Any) -> Any:
    """Return the last array along `.base`: the one that owns the memory, or wraps the object that owns it."""
    ndarray = sys.modules["numpy"].ndarray
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def reduce_on_owner(array: Any) -> tuple[Any, ...] | None:
    """Reduce an array on the memory of a bytearray or array.array to a view of that object; None for other arrays."""
    owner = bottom(array).base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    if not isinstance(owner, (bytearray, array_module.array)) or not array.size:
        return None
    offset = start(array) - start(sys.modules["numpy"].frombuffer(owner, "u1"))
    return _on_owner, (owner, array.dtype, array.shape, offset, array.strides, array.flags.writeable)


def _on_owner(owner: Any, dtype: Any, shape: Any, offset: int, strides: Any, writeable: bool) -> Any:
    import numpy as np

    view = np.ndarray(shape, dtype, memoryview(owner).cast("B"), offset, strides)
    if not writeable:
        view.flags.writeable = False
    return view


def start(array: Any) -> int:
    """Return the address at which the array's memory begins."""
    where: int = array.__array_interface__["data"][0]
    return where


def reduce_view(array: Any, base: Any) -> tuple[Any, ...] | None:
    """Reduce an array to a view of `base`; None if it has to be saved as an array of its own."""
    if not isinstance(base, sys.modules["numpy"].ndarray):
        offset = start(array) - tensors.address(base)[0]
        return tensors.array_on, (base, array.dtype, array.shape, offset, array.strides, array.flags.writeable)
    if not (base.flags.c_contiguous or base.flags.f_contiguous):
        return None
    offset = start(array) - start(base)
    return _view, (base, array.dtype, array.shape, offset, array.strides, array.flags.writeable)


def _view(base: Any, dtype: Any, shape: Any, offset: int, strides: Any, writeable: bool) -> Any:
    import numpy as np

    flat = base.ravel(order="K")
    if dtype.hasobject:
        start = flat[offset // flat.itemsize :]
        view = np.lib.stride_tricks.as_strided(start, shape, strides)
    else:
        view = np.ndarray(shape, dtype, flat.view("u1"), offset, strides)
    if not writeable:
        view.flags.writeable = False
    return view


def reduce_memmap(array: Any) -> tuple[Any, ...]:
    if not array.filename:
        raise TypeError("an array in a file without a name")
    if type(array.base).__name__ == "memmap":
        raise TypeError("a view of an array in a file")
    array.flush() if array.mode in ("r+", "w+") else None
    mode = "r+" if array.mode == "w+" else array.mode
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    return attempt, (
        "array in a file",
        _memmap,
        str(array.filename),
        array.dtype,
        mode,
        array.offset,
        array.shape,
        order,
    )


def _memmap(name: str, dtype: Any, mode: Any, offset: int, shape: Any, order: Any) -> Any:
    import numpy as np

    return np.memmap(name, dtype, mode, offset, shape, order)
