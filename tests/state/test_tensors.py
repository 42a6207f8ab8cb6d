# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tensors, and arrays on shared memory, come back as they were and share memory again; what does not is named.

PyTorch's build without a GPU is on https://download.pytorch.org/whl/cpu, which pip takes from PIP_EXTRA_INDEX_URL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import environment
from .kernels import SOURCE, Kernel
from .kinds import kinds

HERE = Path(__file__).parent
KINDS = kinds("tensors.txt")
REQUIREMENTS = "cloudpickle>=3\nipykernel>=7\nnumpy\ntorch==2.13.0+cpu\n"
IN_KERNELS = ("a model and its optimizer, after a step", "random numbers", "what computed a tensor")
PARTLY = {"what computed a tensor": ["loss"], "a hook of a tensor": ["w"]}


@pytest.fixture(scope="module")
def torch() -> Path:
    try:
        return environment("torch", sys.executable, REQUIREMENTS)
    except subprocess.CalledProcessError:
        pytest.skip("pip finds no build of PyTorch without a GPU")


def test_each_kind(torch: Path):
    """Each kind comes back from a copy of its data; the last one is wrong, to show that a failure is reported."""
    wrong = ("nothing", "import torch\nt=torch.zeros(2)", "t[0]==1")
    cases = [[setup, holds] for _, setup, holds in [*KINDS, wrong]]
    done = subprocess.run(
        [torch, HERE / "round_trip.py"],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *told, last = json.loads(done.stdout)
    assert {kind: list(names) for (kind, _, _), names in zip(KINDS, told, strict=True) if names} == PARTLY
    assert last == "AssertionError: "


def test_kernels(start: Callable[..., Kernel], torch: Path):
    some = [(setup, holds) for kind, setup, holds in KINDS if kind in IN_KERNELS]
    kernel = start(python=torch)
    for setup, _ in some:
        kernel.run(setup)
    kernel.run("%state save")
    kernel.kill()
    kernel = start(python=torch)
    told = kernel.run("%restore")
    assert "  partly: loss: a tensor's value without its graph: backward() does not work\n" in told
    for _, holds in some:
        good, text = kernel.try_run(f"assert {holds}")
        assert good, f"{told}\n{text}"


def test_arrays_of_one_kind_are_saved_apart(torch: Path):
    """Arrays that share only their dtype are saved apart, since variables saved together are written again together."""
    code = """
import numpy as np
from datalab_state.groups import group
from datalab_state.recipes import Table
x, y = np.ones(3), np.zeros(4)
parts, lost = group({"x": x, "y": y, "view": x[1:]}, Table(frozenset()))
print(sorted(part.names for part in parts), lost)
"""
    environment_ = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([torch, "-c", code], env=environment_, capture_output=True, text=True, check=True)
    assert done.stdout == "[['x', 'view'], ['y']] {}\n"
