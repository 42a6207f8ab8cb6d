# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file `datalab` on an instance: a zip archive with this package, which Python runs as it is.

The first call by a person installs the dependencies on the volume that persists, in a separate environment that is not
a kernel. Root runs only code that needs nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
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
    if not (place / "bin" / "python").exists():
        print("Installing the packages that datalab needs, once: about a minute.", file=sys.stderr)
        state.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="datalab.", dir=state))
        try:
            install(archive, base, new)
            for older in state.glob("datalab-*"):
                shutil.rmtree(older)
            new.rename(place)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return place / "bin" / "python"


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
