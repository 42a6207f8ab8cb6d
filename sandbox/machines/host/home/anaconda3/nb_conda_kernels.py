"""Conda environments with ipykernel as kernels, as nb_conda_kernels has them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager


class CondaKernelSpecManager(KernelSpecManager):
    """Asks the conda that is on PATH."""

    def find_kernel_specs(self) -> dict[str, str]:
        """The registered kernels and those of the environments, by name."""
        info = json.loads(subprocess.check_output(["conda", "info", "--json"]))
        found = {Path(env).name: Path(env, "share/jupyter/kernels/python3") for env in info["envs"]}
        of_conda = {f"conda-env-{name.lower()}-py": str(spec) for name, spec in found.items() if spec.is_dir()}
        return {**super().find_kernel_specs(), **of_conda}

    def _find_spec_directory(self, kernel_name: str) -> str | None:
        return self.find_kernel_specs().get(kernel_name)
