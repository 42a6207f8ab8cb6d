# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Whether bash can read the scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import Scripts

VARIABLES = "notebook_host_extra_steps, notebook_host_stop_command"


def syntax_problems(scripts: Scripts) -> list[str]:
    """The syntax errors of the program, or nothing if bash is not installed.

    The program is all that can be wrong: only there is bash that we did not write, and every setting is quoted. So
    it takes one process for all configurations with the same steps and the same command that stops.
    """
    errors = syntax_errors(scripts.program)
    return [f"{VARIABLES}: bash cannot read on-start.sh with them: {errors}"] if errors else []


@cache
def syntax_errors(program: str) -> str:
    """What `bash -n` prints about a program, in one line."""
    bash = shutil.which("bash")
    if not bash:
        return ""
    done = subprocess.run(
        [bash, "-n"], input=program.encode(), env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=False
    )
    return done.stderr.decode(errors="replace").strip().replace("\n", "; ") if done.returncode else ""
