# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the tests that look at the laptop's pages, in Chromium: browser.py [--pictures].

Without podman or Chromium they are left out, and a line says so; with CI=true that is a failure. --pictures
writes their screenshots to docs/images.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from . import containers, debian
from .collection import BUILD, ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome")
PAGES = BUILD / "laptop-pages"
PICTURES = ROOT / "docs" / "images"
SHOWN = ("launcher.png", "cell.png", "viewer.png")  # in the docs


class BrowserError(Exception):
    """There is no browser; the message says what is missing."""


def chromium() -> str:
    """Return the path of Chromium; with CI=true, install it if it is missing."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found and debian.may_install():
        debian.install(["chromium"])
        found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        raise BrowserError("Chromium is needed (Debian: apt-get install chromium)")
    return found[0]


def main() -> int:
    """Run the tests, if they can run here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true", help="renew docs/images")
    arguments = parser.parse_args()
    try:
        containers.check()
        containers.prepare()
        chromium()
    except (BrowserError, containers.ContainersError) as error:
        must_run = os.environ.get("CI") == "true"
        print(f"{'FAILED ' if must_run else 'skipped'} browser: {error}")
        return 1 if must_run else 0
    done = subprocess.run([sys.executable, "-m", "pytest", "tests/laptop"], cwd=ROOT, check=False)
    if arguments.pictures and not done.returncode:
        PICTURES.mkdir(exist_ok=True)
        for name in SHOWN:
            shutil.copy(PAGES / name, PICTURES)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
