# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environments like researchers', each made once: newest packages; the oldest Python from 3.9 on, with ipykernel 6."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .kernels import Kernel, sockets

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "state"
NEWEST = (Path(__file__).parent / "requirements.txt").read_text(encoding="utf-8")
OLDEST = "cloudpickle>=3\nipykernel<7\nnumpy\n"


def environment(name: str, python: str, requirements: str) -> Path:
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256(f"{requirements}{python}{version}{ROOT}".encode()).hexdigest()
    folder = PLACE / name
    ready, interpreter = folder / "ready", folder / "bin" / "python"
    if not ready.exists() or ready.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        (folder / "requirements.txt").write_text(requirements)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", folder / "requirements.txt"], check=True)
        ready.write_text(digest)
    return interpreter


def oldest(newest: int = sys.version_info.minor) -> str:
    """Return the oldest installed Python, from 3.9 on and older than 3.`newest`; without one, skip the test."""
    for minor in range(9, newest):
        name = f"python3.{minor}"
        found = [str(path) for path in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")]
        found += [f"/usr/bin/{name}", f"/usr/local/bin/{name}", *filter(None, [shutil.which(name)])]
        for path in found:
            command = [path, "-c", "import ensurepip"]
            if Path(path).exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return path
    pytest.skip(f"a Python is needed that is at least 3.9 and older than 3.{newest}, such as python3.9 in the PATH")


@pytest.fixture(scope="session")
def old_python() -> Path:
    return environment("oldest", oldest(), OLDEST)


@pytest.fixture(scope="session")
def python() -> Path:
    return environment("newest", sys.executable, NEWEST)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def start(python: Path, place: Path) -> Iterator[Callable[..., Kernel]]:
    """Start a kernel of a notebook; kill all of them at the end."""
    kernels: list[Kernel] = []

    def begin(notebook: str = "work.ipynb", *, python: Path = python, **env: str) -> Kernel:
        kernels.append(Kernel(python, place, notebook, **env))
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.kill()
    shutil.rmtree(sockets(place), ignore_errors=True)
