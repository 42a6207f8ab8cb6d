# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ansible-test sanity on the files that users get, in a copy at a path that it accepts.

The sandbox, the tests and host/ are left out: they follow only the rules of pyproject.toml.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

from .collection import BUILD, NAME, copy_sources, link_dependencies

WORK = BUILD / "sanity"
HOME = WORK / "home"
KEPT_TESTS = {"config.yml", "sanity"}  # they belong to ansible-test
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    """Run ansible-test sanity in the copy, with the arguments of the command line; return its exit code."""
    collection = prepare_copy()
    prepare_home()
    command = ["ansible-test", "sanity", "--python", PYTHON, "--color", "no", *sys.argv[1:]]
    environment = os.environ | {"HOME": str(HOME), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=collection, env=environment, check=False).returncode


def prepare_copy() -> Path:
    """Lay out the collection and its dependencies below ansible_collections/."""
    link_dependencies(WORK)
    collection = WORK / "ansible_collections" / NAME
    copy_sources(collection)
    for directory in ("host", "molecule", "sandbox"):
        shutil.rmtree(collection / directory, ignore_errors=True)
    for path in (collection / "tests").iterdir():
        if path.name not in KEPT_TESTS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # Otherwise ansible-test asks the repository around the copy, which ignores build/.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    return collection


def prepare_home() -> None:
    """Give ansible-test a home directory, where its virtual environments are kept for the next run."""
    # ansible-test would download get-pip for its first virtual environment. Python's own ensurepip does the same.
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"].replace(".", "_")
    get_pip = HOME / f".ansible/test/cache/get_pip_{version}.py"
    get_pip.parent.mkdir(parents=True, exist_ok=True)
    get_pip.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n")
    # ansible-test hides the environment from pip, and this home the user's configuration: both may name a mirror.
    listed = subprocess.run(["pip", "config", "list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    settings = {}
    for name, _, value in (line.partition("=") for line in listed.splitlines()):
        settings[name.rpartition(".")[2]] = ast.literal_eval(value).replace("\n", "\n  ")
    config = HOME / ".config/pip/pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("".join(["[global]\n", *(f"{name} = {value}\n" for name, value in settings.items())]))


if __name__ == "__main__":
    sys.exit(main())
