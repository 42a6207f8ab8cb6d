# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove the policies of the role platform_access: policies.py [ARGUMENT OF PYTEST...].

The simulator is a program for Node.js, in the versions of tests/policies/package-lock.json. A computer without
Node.js and npm leaves the proof out, and says so; with CI=true they are installed, or it is a failure.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys

from . import debian
from .collection import BUILD, ROOT

SOURCES = ROOT / "tests" / "policies"
INSTALLED = BUILD / "policies"
LEAST_NODE = 18
PACKAGES = ["nodejs", "npm"]


class PoliciesError(Exception):
    """The proof cannot run on this computer."""


def check() -> None:
    """Check that there are Node.js and npm; on a CI machine, install them if they are missing."""
    if not all(map(shutil.which, ["node", "npm"])) and debian.may_install():
        debian.install(PACKAGES)
    missing = [program for program in ("node", "npm") if not shutil.which(program)]
    if missing:
        raise PoliciesError(f"Node.js {LEAST_NODE} or newer and npm are needed; there is no {' and no '.join(missing)}")
    version = subprocess.check_output(["node", "--version"], text=True).strip()
    major = re.match(r"v(\d+)", version)
    if not major or int(major[1]) < LEAST_NODE:
        raise PoliciesError(f"Node.js {LEAST_NODE} or newer is needed; this is {version}")


def prepare() -> None:
    """Install the simulator, unless these versions are installed."""
    lock = "package-lock.json"
    if (INSTALLED / "node_modules").is_dir() and filecmp.cmp(SOURCES / lock, INSTALLED / lock, shallow=False):
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for file in ("package.json", lock):
        shutil.copy(SOURCES / file, INSTALLED)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command,
        cwd=INSTALLED,
        env={**os.environ, "npm_config_cache": str(BUILD / "cache" / "npm"), "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(INSTALLED)
        raise PoliciesError("npm could not install tests/policies/package-lock.json")


def main() -> int:
    """Prove the policies, or say why not."""
    try:
        check()
        prepare()
    except PoliciesError as error:
        failed = os.environ.get("CI") == "true"
        print(f"{'FAILED' if failed else 'skipped'} policies: {error}")
        return int(failed)
    return subprocess.run([sys.executable, "-m", "pytest", SOURCES, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
