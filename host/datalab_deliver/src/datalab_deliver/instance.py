# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file `datalab` on an instance: a zip archive with this package, which Python runs as it is.

The first call by a person installs the dependencies on the volume that persists, in a separate environment that is not
a kernel. Root runs only code that needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

REQUIREMENTS = "requirements.txt"
STATE = "SageMaker/.datalab"
SYSTEM = "anaconda3/envs/JupyterSystemEnv/bin/python"


def main() -> None:
    """Run `protect` in this process, or replace the process by the command in its environment."""
    archive = Path(sys.path[0]).resolve()
    if sys.argv[1:2] == ["protect"]:
        from .protect import forever

        forever(Path(sys.argv[2]))
    try:
        python = ready(archive, Path.home())
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().rpartition("\n")[2]
        sys.exit(
            f"The packages that datalab needs could not be installed: {reason}."
            " Check that pip reaches its index, and that the disk has space."
        )
    os.execv(python, [str(python), "-I", "-m", "datalab_deliver.cli", *sys.argv[1:]])


def ready(archive: Path, home: Path) -> Path:
    """Return the Python of the command's environment, which the first call creates."""
    base = base_python(home)
    digest = hashlib.sha256(archive.read_bytes() + os.fsencode(base.resolve())).hexdigest()
    state = home / STATE
    place = state / f"datalab-{digest[:12]}"
    if not hold(place):
        state.mkdir(parents=True, exist_ok=True)
        with locked(state, "Waiting for another call of datalab, which installs the packages that datalab needs."):
            if not hold(place):  # the other call may have installed them
                create(archive, base, place)
                hold(place)
                remove_others(place)
    return place / "bin" / "python"


def hold(place: Path) -> bool:
    """Return whether an environment is there; if so, no call removes it until the command of this call ends."""
    with contextlib.suppress(OSError):
        number = os.open(place, os.O_RDONLY)
        os.set_inheritable(number, True)
        fcntl.flock(number, fcntl.LOCK_SH)
    return (place / "bin" / "python").exists()


@contextlib.contextmanager
def locked(folder: Path, waiting: str = "") -> Iterator[None]:
    """Lock a folder. If it is locked already, say that this call waits; without words for that, raise an OSError."""
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waiting:
                raise
            print(waiting, file=sys.stderr)
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def create(archive: Path, base: Path, place: Path) -> None:
    """Install the environment; it gets its name when it is complete."""
    new = Path(tempfile.mkdtemp(prefix="datalab.", dir=place.parent))
    print("Installing the packages that datalab needs, once: about a minute.", file=sys.stderr)
    try:
        install(archive, base, new)
        shutil.rmtree(place, ignore_errors=True)  # it has no Python
        new.rename(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def remove_others(place: Path) -> None:
    """Remove the environments of other versions and of interrupted calls. One in use stays until the next version."""
    for other in {*place.parent.glob("datalab[-.]*")} - {place}:
        with contextlib.suppress(OSError), locked(other):
            (other / "bin" / "python").unlink(missing_ok=True)  # first: without it, no call uses what is left
            shutil.rmtree(other)


def base_python(home: Path) -> Path:
    """Return the Python of the OS if it can make environments, else that of Jupyter."""
    of_os = importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv")
    return Path(sys.executable) if of_os else home / SYSTEM


def install(archive: Path, base: Path, place: Path) -> None:
    """Make the environment, with this package in it."""
    run(base, "-m", "venv", place)
    with zipfile.ZipFile(archive) as packed:
        requirements = place / REQUIREMENTS
        requirements.write_bytes(packed.read(REQUIREMENTS))
        python = place / "bin" / "python"
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:")
        run(python, *pip, "-r", requirements)
        packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        packed.extractall(packages, [name for name in packed.namelist() if name.startswith("datalab_deliver/")])


def run(*command: object) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout
