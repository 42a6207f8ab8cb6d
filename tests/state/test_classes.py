# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore does not repeat side effects of the notebook's classes, and brings back what pickles leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .kernels import Kernel
from .kinds import kinds

CASES = kinds("classes.txt")


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Iterator[tuple[Kernel, str]]:
    """Save all cases in a kernel; return a new kernel after `%restore`, and the output of that command."""
    place = tmp_path_factory.mktemp("classes")
    with Kernel(python, place) as kernel:
        for _, cell, _ in CASES:
            kernel.run(cell)
        kernel.run("%state save")
    with Kernel(python, place) as kernel:
        yield kernel, kernel.run("%restore")


def test_nothing_is_lost(restored: tuple[Kernel, str]):
    assert "lost:" not in restored[1]
    assert "partly:" not in restored[1]


@pytest.mark.parametrize("holds", [holds for _, _, holds in CASES], ids=[kind for kind, _, _ in CASES])
def test_it_is_as_it_was(restored: tuple[Kernel, str], holds: str):
    restored[0].run(f"assert {holds}")


def test_one_that_cannot_be_saved_costs_no_other(start: Callable[..., Kernel]):
    """The test load after a save finds the variable, and the others come back."""
    kernel = start()
    kernel.run("import sys\nclass Named:\n    def __reduce__(self): return 'named'\nnamed = Named(); x = 1")
    assert "lost: named: " in kernel.run("%state save")
    kernel.kill()
    kernel = start()
    kernel.run("%restore")
    assert kernel.run("print(x)").strip() == "1"
