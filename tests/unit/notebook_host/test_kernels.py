# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step kernels, run by bash on environments that exist, are gone or are unusual."""

from __future__ import annotations

import json
import shutil
import subprocess
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


PYTHON = "lib/python3.12/site-packages/ipykernel"
R = "lib/R/library/IRkernel"


def environment(host: Host, name: str, package: str = PYTHON) -> Path:
    """Create an environment with a package; "" is Conda's own, and a name with a / belongs to another Conda."""
    root, _, name = name.rpartition("/")
    path = host.volume / "custom-miniconda" / root / ("envs/" + name if name else "")
    (path / package).mkdir(parents=True)
    return path


def registered(host: Host) -> dict[str, Any]:
    """The kernels by the name of their directory."""
    specs = (host.home / ".local/share/jupyter/kernels").glob("*/kernel.json")
    return {spec.parent.name: json.loads(spec.read_text()) for spec in specs}


def test_every_environment_with_ipykernel_is_a_kernel(kernels: Host) -> None:
    path = environment(kernels, "custom")
    environment(kernels, "")
    environment(kernels, "numbers", package="lib/python3.12/site-packages/numpy")
    kernels.start()
    assert kernels.status == {"kernels": "ok"}
    assert {name: spec["display_name"] for name, spec in registered(kernels).items()} == {
        "custom-custom": "Custom (custom)",
        "custom-base": "Custom (base)",
    }
    root, launcher = kernels.volume / "custom-miniconda", str(kernels.root / "usr/local/libexec/datalab/kernel")
    assert registered(kernels)["custom-custom"] == {
        "argv": ["bash", launcher, f"{path}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Custom (custom)",
        "language": "python",
        "env": {
            "CONDA_PREFIX": str(path),
            "CONDA_DEFAULT_ENV": "custom",
            "CONDA_SHLVL": "1",
            "CONDA_EXE": f"{root}/bin/conda",
            "PATH": f"{path}/bin:{root}/condabin:${{PATH}}",
        },
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


def test_r_is_a_kernel_beside_python(kernels: Host) -> None:
    path = environment(kernels, "stats", R)
    environment(kernels, "both", R)
    environment(kernels, "both")
    kernels.start()
    found = registered(kernels)
    assert {name: (spec["display_name"], spec["language"]) for name, spec in found.items()} == {
        "r-custom-stats": ("Custom (stats) R", "R"),
        "r-custom-both": ("Custom (both) R", "R"),
        "custom-both": ("Custom (both)", "python"),
    }
    assert found["r-custom-stats"]["argv"][2:] == [
        *(f"{path}/bin/R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"),
    ]  # fmt: skip
    assert [spec["metadata"]["debugger"] for spec in found.values() if spec["language"] == "R"] == [False, False]
    shutil.rmtree(path)
    kernels.start()
    assert set(registered(kernels)) == {"r-custom-both", "custom-both"}


def test_environments_of_another_conda_are_kernels_where_they_lie(kernels: Host) -> None:
    """AWS's sample has created them, and our Conda is beside the sample's."""
    environment(kernels, "miniconda/")
    environment(kernels, "miniconda/custom_python")
    ours = environment(kernels, "datalab/custom")
    theirs = environment(kernels, "miniconda/custom")
    before = kernels.tree()
    kernels.start()
    assert {
        name: (spec["display_name"], spec["env"]["CONDA_PREFIX"]) for name, spec in registered(kernels).items()
    } == {
        "custom-miniconda": ("Custom (miniconda)", str(kernels.volume / "custom-miniconda/miniconda")),
        "custom-custom_python": ("Custom (custom_python)", str(theirs.with_name("custom_python"))),
        "custom-custom": ("Custom (custom)", str(ours)),
        "custom-miniconda_envs_custom": ("Custom (miniconda/envs/custom)", str(theirs)),
    }
    changed = kernels.tree().items() - before.items()
    assert not [file for file, _ in changed if "SageMaker/custom-miniconda/" in file]


def test_names_that_differ_in_odd_characters_only_are_kernels_of_their_own(kernels: Host) -> None:
    for name in ("a b", "a_b"):
        environment(kernels, name)
    kernels.start()
    assert {spec["display_name"] for spec in registered(kernels).values()} == {"Custom (a b)", "Custom (envs/a_b)"}


# A kernel is started as if its environment were activated.


def launched(host: Host, path: Path, *program: str) -> subprocess.Popen[str]:
    """Start a program as Jupyter starts a kernel: with the variables of its kernel.json."""
    (spec,) = (each for each in registered(host).values() if each["env"]["CONDA_PREFIX"] == str(path))
    variables = {name: value.replace("${PATH}", "/usr/bin:/bin") for name, value in spec["env"].items()}
    command = [*spec["argv"][:2], *program]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True)


def variables_of(host: Host, path: Path) -> dict[str, str]:
    kernel = launched(host, path, "env", "-0")
    output, _ = kernel.communicate(timeout=20)
    assert kernel.returncode == 0
    return dict(line.split("=", 1) for line in output.rstrip("\0").split("\0"))


def test_a_kernel_has_what_activation_sets(kernels: Host) -> None:
    path = environment(kernels, "geo 1")
    values = {"WITH_QUOTES": 'it\'s "odd"; $(reboot)\n', "UNICODE": "größer", "EMPTY": ""}
    (path / "conda-meta").mkdir()
    (path / "conda-meta/state").write_text(json.dumps({"env_vars": {**values, "GONE": "***unset***"}}))
    (path / "etc/conda/env_vars.d").mkdir(parents=True)
    (path / "etc/conda/env_vars.d/package.json").write_text('{"OF_A_PACKAGE": "1", "EMPTY": "not"}')
    (path / "etc/conda/activate.d").mkdir()
    (path / "etc/conda/activate.d/1.sh").write_text('export DATA="$CONDA_PREFIX/share" SEEN="$UNICODE" ARGUMENTS="$#"')
    (path / "etc/conda/activate.d/2.sh").write_text('export DATA="$DATA/proj"; $UNSET_VARIABLE; false')
    (path / "etc/conda/activate.d/readme.txt").write_text("exit 1")
    (kernels.root / "etc/profile.d").mkdir(parents=True)
    (kernels.root / "etc/profile.d/datalab.sh").write_text("export https_proxy=http://proxy.example\n")
    kernels.start()
    found = variables_of(kernels, path)
    assert {name: found.get(name) for name in (*values, "OF_A_PACKAGE", "GONE")} == {
        **values,
        "OF_A_PACKAGE": "1",
        "GONE": None,
    }
    assert found["DATA"] == f"{path}/share/proj"
    assert (found["SEEN"], found["ARGUMENTS"]) == ("größer", "0")
    assert found["https_proxy"] == "http://proxy.example"
    assert found["CONDA_DEFAULT_ENV"] == "geo 1"
    assert found["PATH"] == f"{path}/bin:{kernels.volume}/custom-miniconda/condabin:/usr/bin:/bin"


@pytest.mark.parametrize("state", ["", "no JSON", "[]", '{"env_vars": {"NUMBER": 1}}'])
def test_a_state_that_cannot_be_read_keeps_no_kernel_from_starting(state: str, kernels: Host) -> None:
    path = environment(kernels, "odd")
    (path / "conda-meta").mkdir()
    (path / "conda-meta/state").write_text(state)
    kernels.start()
    assert variables_of(kernels, path)["CONDA_PREFIX"] == str(path)


def test_the_process_that_jupyter_starts_is_the_kernel(kernels: Host) -> None:
    """Signals must reach the kernel, such as the one that interrupts a cell."""
    path = environment(kernels, "custom")
    kernels.start()
    kernel = launched(kernels, path, "/usr/bin/python3", "-c", "import os; print(os.getpid())")
    assert kernel.communicate(timeout=20)[0] == f"{kernel.pid}\n"
