# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of a notebook survive a stop. As an extension of IPython: %load_ext datalab_state.

docs: README.md of this package.
"""

from __future__ import annotations

from typing import Any

session: Any = None  # of this kernel


def load_ipython_extension(shell: Any) -> None:
    """Load the extension; no error here keeps a kernel from starting."""
    global session  # noqa: PLW0603 - a process has one kernel
    from . import settings as _settings

    settings = _settings.read()
    if session is not None or not settings.on:
        return
    from .extension import attach

    session = attach(shell, settings)
