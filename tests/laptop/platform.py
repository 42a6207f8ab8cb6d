# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A platform of one person and the viewer on this computer, for one test or measurement."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.demo import ROOT
from sandbox.laptop import Laptop
from tests.tools import containers

HOSTS = """
owners:
  children:
    research:
      hosts:
        alice:
          notebook_host_idle_timeout: 3600
viewers:
  hosts:
    viewer:
"""


@contextmanager
def platform(home: Path) -> Iterator[Laptop]:
    """Provide a platform whose instances run; remove all of it at the end."""
    containers.check()
    os.environ.update(containers.prepare())
    shutil.copytree(ROOT / "inventory/laptop", home / "inventory/laptop")
    (home / "inventory/laptop/hosts.yml").write_text(HOSTS)
    (home / "inventory/laptop/group_vars/interns.yml").unlink()
    (home / "sandbox").symlink_to(ROOT / "sandbox")
    laptop = Laptop(home)
    try:
        laptop.start()
        laptop.plays.play("site", show=False)
        yield laptop
    finally:
        laptop.reset()
