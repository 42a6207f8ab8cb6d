# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An environment like a researcher's, and deliveries that several tests use."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from datalab_deliver import deliver
from datalab_deliver.order import Order
from datalab_deliver.refusal import Refused

from .corpus import Case

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "deliver"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"


@pytest.fixture(scope="session")
def python() -> Path:
    """Return the Python of the researcher's environment, which is created once."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode() + str(ROOT).encode()).hexdigest()
    ready, interpreter = PLACE / "ready", PLACE / "venv" / "bin" / "python"
    if not ready.exists() or ready.read_text() != digest:
        shutil.rmtree(PLACE, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", PLACE / "venv"], check=True)
        run = [str(interpreter), "-m"]
        install = [*run, "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", REQUIREMENTS], check=True)
        kernel = [*run, "ipykernel", "install", "--prefix", str(PLACE / "kernels"), "--name", "python3"]
        subprocess.run(kernel, check=True, capture_output=True)
        ready.write_text(digest)
    return interpreter


@pytest.fixture(scope="session", autouse=True)
def kernels(python: Path) -> Iterator[None]:
    """Run kernels in this environment, without the user's own configuration of IPython."""
    assert python.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(PLACE / "kernels" / "share" / "jupyter"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("IPYTHONDIR", str(PLACE / "ipython"))
        patch.setenv("PYTHONPATH", "")
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.setenv(name, "1")
        yield


@dataclass(frozen=True)
class Outcome:
    """The outcome of delivering a notebook."""

    notebook: Path
    delivered: deliver.Delivered | None
    refused: Refused | None


def no_hashes(_python: str, pins: Mapping[str, str], _extra: Sequence[str], _notebook: str) -> str:
    """Return a lock without hashes, so that no package index is asked; the tests test_lock… ask it."""
    return "".join(f"{name}=={version}\n" for name, version in pins.items())


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Outcome]:
    """Deliver a notebook of the corpus; later calls return the same outcome."""
    known: dict[str, Outcome] = {}

    def get(case: Case) -> Outcome:
        if case.name not in known:
            path = case.write(tmp_path_factory.mktemp(case.name))
            order = Order(path, case.results, path.parent / "project")
            try:
                known[case.name] = Outcome(path, deliver.deliver(order, lambda text: None, no_hashes), None)
            except Refused as refused:
                known[case.name] = Outcome(path, None, refused)
        return known[case.name]

    return get
