# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for tensors. PyTorch's own pickle copies the memory of each tensor, and leaves out gradients and their graph.

Here the memory is an object of its own, to which all tensors on it refer; the rest is as in PyTorch.
"""

from __future__ import annotations

import ctypes
import importlib
import pickle
import warnings
from typing import Any

from .common import Partly, Recipe, Reduced


def is_storage(obj: Any) -> bool:
    return type(obj).__name__ == "UntypedStorage"


def holds(storage: Any, where: int) -> bool:
    begin, end = address(storage)
    return begin <= where < end


def address(storage: Any) -> tuple[int, int]:
    """Return the addresses at which the memory of a tensor begins and ends."""
    begin: int = storage.data_ptr()
    return begin, begin + storage.nbytes()


def _storage(storage: Any, _: Any) -> Reduced:
    if storage.device.type != "cpu":
        raise TypeError(f"a tensor on {storage.device}; its copy in memory (.cpu()) would be saved")
    begin, end = address(storage)
    memory: Any = (ctypes.c_char * (end - begin)).from_address(begin) if end > begin else b""
    if end > begin:
        memory._storage = storage  # keeps the storage as long as `memory`
    return _make_storage, (pickle.PickleBuffer(memory),)


def _make_storage(memory: Any) -> Any:
    """Make a storage on a mapped file, or, from bytes, a copy that PyTorch may enlarge."""
    torch = importlib.import_module("torch")
    view = memoryview(memory).cast("B")
    if isinstance(memory, (bytes, bytearray)):
        made = torch.UntypedStorage(view.nbytes)
        ctypes.memmove(made.data_ptr(), bytes(view), view.nbytes)
        return made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a trial the memory is read-only
        return torch.frombuffer(view, dtype=torch.uint8).untyped_storage()


def _typed(storage: Any, _: Any) -> Reduced:
    return _make_typed, (storage._untyped_storage, storage.dtype)


def _make_typed(storage: Any, dtype: Any) -> Any:
    torch = importlib.import_module("torch")
    return torch.storage.TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)


def _tensor(tensor: Any, _: Any) -> Reduced:
    if tensor.grad_fn is not None:
        raise Partly("a tensor's value without its graph: backward() does not work", tensor.detach().__reduce_ex__(5))
    reduced = tensor.__reduce_ex__(5)
    if tensor.grad is not None:
        reduced = (_with_gradient, reduced[:2], (tensor.grad, *reduced[2:3]), None, None, _set_gradient)
    if tensor._backward_hooks:
        raise Partly("a tensor without its hooks", reduced)
    return tuple(reduced)


def _with_gradient(make: Any, args: Any) -> Any:
    return make(*args)


def _set_gradient(tensor: Any, state: Any) -> None:
    gradient, *rest = state
    if rest and rest[0] is not None:
        tensor.__dict__.update(rest[0])
    tensor.grad = gradient


def array_on(storage: Any, dtype: Any, shape: Any, offset: int, strides: Any, writeable: bool) -> Any:
    """Return a NumPy array on the memory of a tensor."""
    np, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    memory = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()
    array = np.ndarray(shape, dtype, memory, offset, strides)
    if not writeable:
        array.flags.writeable = False
    return array


ALWAYS: dict[Any, Recipe] = {
    "torch.Tensor": _tensor,
    "torch.storage.TypedStorage": _typed,
    "torch.storage.UntypedStorage": _storage,
}
