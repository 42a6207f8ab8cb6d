# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet module in a process of its own, as Ansible runs it, but without ansible-playbook around it.

When the same run is disturbed in many ways, the parts before and after the module are the same in each run, and take
most of its time. Here a server that has imported the module forks for each run.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ansible.module_utils.testing import patch_module_args

from ansible_collections.datalab.notebooks.plugins.modules import sagemaker_notebook_fleet

LONGEST_RUN = 600  # seconds

forking = multiprocessing.get_context("forkserver")
forking.set_forkserver_preload([__name__])


class FleetRun:
    """A run of the module with these options, which begins at once."""

    def __init__(self, directory: Path, options: dict[str, Any]) -> None:
        self._output = directory / "output.json"
        self.process: BaseProcess = forking.Process(target=_run, args=(options, directory, self._output))
        self.process.start()

    def result(self) -> dict[str, Any]:
        """Wait for the end, and return the module's result; it has `failed` if the module has failed."""
        self.process.join(LONGEST_RUN)
        written = self._output.read_text(encoding="utf-8")
        assert self.process.exitcode in (0, 1), f"the module ended with {self.process.exitcode}\n{written}"
        return dict(json.loads(written))


def _run(options: dict[str, Any], directory: Path, output: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with (
        output.open("w", encoding="utf-8") as sys.stdout,
        patch_module_args({**options, "_ansible_tmpdir": str(directory)}),
    ):
        sagemaker_notebook_fleet.main()
