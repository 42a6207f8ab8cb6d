# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the container images of sandbox/machines, and with CI=true install what that takes."""

from __future__ import annotations

import shutil
import sys

from sandbox.machines import images
from sandbox.machines.images import ContainersError, prepare

from . import debian

DEBIAN_PACKAGES = ["catatonit", "mmdebstrap", "podman", "runc"]  # their programs have the same names

__all__ = ["ContainersError", "check", "prepare"]


def check() -> None:
    """Raise ContainersError unless there is podman; with CI=true, install what is missing."""
    missing = [name for name in DEBIAN_PACKAGES if not shutil.which(name)]
    if missing and debian.may_install():
        debian.install(missing)
    images.check()


if __name__ == "__main__":
    try:
        check()
        for name, value in prepare().items():
            print(f"export {name}={value}")
    except ContainersError as error:
        sys.exit(f"Containers cannot run here: {error}")
