# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure a start with five environments on the volume, compared with the usual way to make them kernels.

Each round has a fresh container, as each start has a fresh machine. The usual way is that of the AWS samples:
activate each environment, and run `python -m ipykernel install` in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from ansible_collections.datalab.notebooks.tests.tools import containers
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import rendered

ROUNDS = 3
CONTAINER = f"datalab-bench-{os.getpid()}"
VOLUME = f"{CONTAINER}-volume"
SETTINGS = {
    "notebook_host_conda_environment": {"name": "env1", "python": "3.11", "packages": ["ipykernel"], "pip": []},
}

ENVIRONMENTS = """
cd /home/ec2-user/SageMaker
mkdir -p custom-miniconda/envs
for number in 1 2 3 4 5; do
  cp -a /home/ec2-user/anaconda3/envs/python3 custom-miniconda/envs/env$number
done
echo "conda-forge: python=3.11 ipykernel pip: " >custom-miniconda/envs/env1/.datalab-complete
chown -R ec2-user: .
"""
USUAL_WAY = """
sudo -u ec2-user -i <<'END'
for env in /home/ec2-user/SageMaker/custom-miniconda/envs/*; do
  source "$env/bin/activate"
  python -m ipykernel install --user --name "$(basename "$env")" --display-name "Custom ($(basename "$env"))"
  deactivate
done
END
"""
STEPS = {
    "whole on-start": "cd / && env -i /root/on-start.sh",
    "the usual way to register kernels": USUAL_WAY,
    "our step kernels": "/usr/local/libexec/datalab/run step_kernels",
}
FORGET_KERNELS = "rm -rf /home/ec2-user/.local/share/jupyter/kernels"
KERNELS = "ls /home/ec2-user/.local/share/jupyter/kernels | wc -l"


class Host:
    """A container that stands in for the machine of an instance, with a volume that outlives its containers."""

    def __init__(self, settings: dict[str, str], scripts: Path) -> None:
        self.environment = {**os.environ, **settings}
        self.image = settings["DATALAB_HOST_IMAGE"]
        self.scripts = scripts

    def podman(self, *arguments: str) -> str:
        done = subprocess.run(
            ["podman", *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            sys.exit(f"podman {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def bash(self, script: str) -> str:
        return self.podman("exec", CONTAINER, "bash", "-c", script)

    def start(self) -> None:
        self.remove()
        volume, network = f"{VOLUME}:/home/ec2-user/SageMaker", "--network=none"
        self.podman("run", "--detach", "--name", CONTAINER, "--systemd=always", network, "--volume", volume, self.image)
        self.bash("until systemctl is-active --quiet jupyter-server; do sleep 0.1; done")
        self.podman("cp", f"{self.scripts}/on-start.sh", f"{CONTAINER}:/root/on-start.sh")

    def remove(self) -> None:
        self.podman("rm", "--force", "--ignore", "--time", "0", CONTAINER)

    def seconds(self, script: str) -> float:
        """Run a script in the container and return its seconds, measured there."""
        timed = f"begin=$(date +%s%N)\n( {script} ) >&2\nstatus=$?\necho $(($(date +%s%N) - begin))\nexit $status"
        return int(self.bash(timed)) / 1e9


def measure() -> dict[str, float]:
    """Return the medians in seconds, and how many times as long the usual way takes as ours."""
    containers.check()
    with tempfile.TemporaryDirectory() as name:
        script = rendered(SETTINGS)["on-start.sh"]
        (Path(name) / "on-start.sh").write_text(script)
        (Path(name) / "on-start.sh").chmod(0o755)
        host = Host(containers.prepare(), Path(name))
        try:
            figures = {what: median(several) for what, several in rounds(host).items()}
        finally:
            host.remove()
            host.podman("volume", "rm", "--force", VOLUME)
    usual = figures["the usual way to register kernels"]
    for ours in ("whole on-start", "our step kernels"):
        figures[f"times the usual way takes as long as {ours.removeprefix('our ')}"] = usual / figures[ours]
    for what, figure in figures.items():
        print(f"{what:46} {figure:8.2f}")
    return {what: round(figure, 3) for what, figure in figures.items()}


def rounds(host: Host) -> dict[str, list[float]]:
    """Return the seconds of each step, round by round."""
    host.start()
    host.bash(ENVIRONMENTS)
    figures: dict[str, list[float]] = {what: [] for what in STEPS}
    for _ in range(ROUNDS):
        host.start()
        for what, script in STEPS.items():
            host.bash(FORGET_KERNELS)
            figures[what].append(host.seconds(script))
            if host.bash(KERNELS).strip() != "5":
                sys.exit(f"{what} did not make five kernels")
    return figures
