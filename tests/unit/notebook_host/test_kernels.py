# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step kernels, run by bash on environments that are there, gone or odd."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host

Scripts = dict[str, dict[str, str]]


@pytest.fixture
def kernels(host: Host, scripts: Scripts) -> Host:
    """An instance with the step kernels only, where no Python can be started."""
    for python in ("python", "python3"):
        host.stub(python, "exit 1")
    return host.install(scripts["only kernels"]["on-start.sh"])


def environment(host: Host, name: str, package: str = "ipykernel") -> Path:
    """An environment with a package; "" is Conda's own."""
    path = host.volume / "custom-miniconda" / ("envs/" + name if name else "")
    (path / "lib/python3.12/site-packages" / package).mkdir(parents=True)
    return path


def registered(host: Host) -> dict[str, Any]:
    """The kernels by the name of their directory."""
    specs = (host.home / ".local/share/jupyter/kernels").glob("*/kernel.json")
    return {spec.parent.name: json.loads(spec.read_text()) for spec in specs}


def test_every_environment_with_ipykernel_is_a_kernel(kernels: Host) -> None:
    path = environment(kernels, "custom")
    environment(kernels, "")
    environment(kernels, "numbers", package="numpy")
    kernels.start()
    assert kernels.status == {"kernels": "ok"}
    assert {name: spec["display_name"] for name, spec in registered(kernels).items()} == {
        "custom-custom": "Custom (custom)",
        "custom-base": "Custom (base)",
    }
    assert registered(kernels)["custom-custom"] == {
        "argv": [f"{path}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Custom (custom)",
        "language": "python",
        "env": {"CONDA_PREFIX": str(path), "PATH": f"{path}/bin:${{PATH}}"},
        "metadata": {"debugger": True, "made_by": "datalab.notebooks"},
    }
    assert not (kernels.stubs / "python3.calls").exists()


def test_a_new_environment_is_a_kernel_at_once_if_its_person_says_so(kernels: Host) -> None:
    kernels.start()
    kernels.stub("runuser", "exit 1")  # which only root may use
    environment(kernels, "mine")
    kernels.run("step_kernels")
    assert registered(kernels).keys() == {"custom-mine"}


def test_odd_names_are_kernels_too(kernels: Host) -> None:
    for name in ('my "best" env', "back\\slash", "it's", "größer"):
        environment(kernels, name)
    kernels.start()
    names = {spec["display_name"] for spec in registered(kernels).values()}
    assert names == {'Custom (my "best" env)', "Custom (back\\slash)", "Custom (it's)", "Custom (größer)"}
    assert all(Path(spec["env"]["CONDA_PREFIX"]).is_dir() for spec in registered(kernels).values())
    assert all(name.isascii() and " " not in name for name in registered(kernels))


def test_a_kernel_goes_with_its_environment_unless_it_is_a_users_own(kernels: Host) -> None:
    path = environment(kernels, "gone")
    environment(kernels, "kept")
    kernels.start()
    own = kernels.home / ".local/share/jupyter/kernels/custom-own/kernel.json"
    own.parent.mkdir()
    own.write_text('{"argv": [], "display_name": "Mine"}')
    shutil.rmtree(path)
    kernels.start()
    assert set(registered(kernels)) == {"custom-kept", "custom-own"}


def test_a_kernel_that_is_right_is_left_alone(kernels: Host) -> None:
    environment(kernels, "custom")
    kernels.start()
    spec = kernels.home / ".local/share/jupyter/kernels/custom-custom/kernel.json"
    written = spec.stat().st_mtime_ns
    kernels.start()
    assert spec.stat().st_mtime_ns == written
    spec.write_text(spec.read_text().replace("3.12", "2.7").replace("Custom", "Broken"))
    kernels.start()
    assert registered(kernels)["custom-custom"]["display_name"] == "Custom (custom)"


def test_without_conda_there_is_nothing_to_do(kernels: Host) -> None:
    kernels.start()
    assert kernels.status == {"kernels": "ok"}
    assert registered(kernels) == {}
