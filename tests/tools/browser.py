# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where Chromium is, for tests that look at pages."""

from __future__ import annotations

import shutil

from . import debian

NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserError(Exception):
    """There is no browser; the message says what it takes."""


def chromium() -> str:
    """The path of Chromium; with CI=true, it is installed if it is missing."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found and debian.may_install():
        debian.install(["chromium"])
        found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        raise BrowserError("Chromium is needed (Debian: apt-get install chromium)")
    return found[0]
