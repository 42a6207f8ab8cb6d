# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An IPython extension by which a notebook's variables survive a stop: %load_ext datalab_state.

Documentation: README.md of this package.
"""

from __future__ import annotations

from typing import Any

session: Any = None  # the Session of this kernel


def load_ipython_extension(shell: Any) -> None:
    """Load the extension; an error here does not keep the kernel from starting."""
    global session  # noqa: PLW0603 - a process has one kernel
    from . import settings as _settings

    settings = _settings.read()
    if session is not None or not settings.on:
        return
    from .extension import attach

    session = attach(shell, settings)
