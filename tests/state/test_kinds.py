# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each kind of variable comes back by `%restore` after its kernel was killed, or is named as lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from .kernels import Kernel
from .kinds import KINDS

# Kinds that do not come back, with the message about them. All others must come back.
LOST = {
    "a widget": "lost: dd: a widget, which lives in the page",
    "iterators half way, and a generator": "lost: ge: a generator that has begun (line 3)",
    "a running process, a database in memory": "lost: proc: a process, which ends with the kernel",
}


def test_that_nearly_all_of_the_list_has_to_come_back():
    assert len(KINDS) == 60
    assert LOST.keys() <= {kind for kind, _, _ in KINDS}
    assert len(LOST) <= 0.05 * len(KINDS)


@pytest.mark.parametrize(("kind", "cell", "holds"), KINDS, ids=[kind for kind, _, _ in KINDS])
def test_kind(start: Callable[..., Kernel], kind: str, cell: str, holds: str):
    kernel = start()
    kernel.run(cell)
    kernel.run("%state save")
    kernel.kill()
    kernel = start()
    told = kernel.run("%restore")
    good, text = kernel.try_run(f"assert {holds}")
    if kind in LOST:
        assert LOST[kind] in told
        assert not good
    else:
        assert good, f"{told}\n{text}"
        assert "lost:" not in told


def test_that_a_kind_is_not_restored_by_itself(start: Callable[..., Kernel]):
    """Without `%restore` a new kernel has no variables; if it had them, the tests above would prove nothing."""
    kernel = start()
    kernel.run("x = 5")
    kernel.run("%state save")
    kernel.kill()
    kernel = start()
    good, text = kernel.try_run("x")
    assert not good
    assert "NameError" in text
    assert re.search(r"State: 1 variable of .* %restore brings them back", text)
