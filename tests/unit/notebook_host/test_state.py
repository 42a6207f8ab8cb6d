# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetching and loading the package that saves the state of notebooks, and the save before a stop."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible.constants import config

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.host import problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import state
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits import size
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import render
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import (
    AUTOSTOP,
    CONDA,
    DELIVER,
    files_of,
    from_bucket,
    need_bucket,
    tools_of,
    unreachable_state,
    unreadable_tools,
    with_ours,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import CASES, DEFAULTS, Host

Scripts = dict[str, dict[str, str]]
ON: dict[str, Any] = {**DEFAULTS, "notebook_host_save_state": True}
MIRROR = {**ON, "notebook_host_tools_url": "https://mirror.example"}

# The archive


def package(directory: Path, init: str = "", main: str = "") -> Path:
    """Create a directory like host/datalab_state, with a package of these two files."""
    source = directory / "src" / "datalab_state"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text(init)
    (source / "__main__.py").write_text(main)
    (source / "notes.txt").write_text("not Python")
    (wheel,) = state.HOST.glob("cloudpickle-*.whl")
    shutil.copyfile(wheel, directory / wheel.name)
    return directory


def python(*arguments: str | Path) -> str:
    command = [sys.executable, "-I", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_archive_is_the_same_each_time(tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(state.HOST, copied, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "src/datalab_state/__pycache__").mkdir()
    (copied / "src/datalab_state/__pycache__/x.pyc").write_text("")
    assert state.archive_of(copied) == state.archive_of(state.HOST)
    (copied / "src/datalab_state/more.py").write_text("")
    assert state.archive_of(copied) != state.archive_of(state.HOST)


def test_the_archive_is_run_and_imported_as_it_is(tmp_path: Path) -> None:
    main = "import sys, datalab_state.vendor.cloudpickle as c; print(c.__name__, c.loads(c.dumps(int)), sys.argv[1:])"
    file = tmp_path / "a.zip"
    file.write_bytes(state.archive_of(package(tmp_path / "host", main=main)))
    assert python(file, "save-all", "-x") == "datalab_state.vendor.cloudpickle <class 'int'> ['save-all', '-x']\n"
    names = zipfile.ZipFile(file).namelist()
    assert "cloudpickle/__init__.py" not in names, "an environment keeps its own"
    assert "datalab_state/notes.txt" not in names


def test_the_archive_lies_where_a_mirror_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "get_config_value", lambda _name: str(tmp_path))
    state.state_archive.cache_clear()
    file = Path(state.state_archive())
    (tool,) = tools_of(MIRROR)
    assert file == tmp_path / "datalab" / tool.key
    file.write_text("damaged")
    state.state_archive.cache_clear()
    assert Path(state.state_archive()).read_bytes() == state.archive_of(state.HOST)
    assert [each.name for each in file.parent.iterdir()] == [state.STATE]
    state.state_archive.cache_clear()


# Which instances fetch it, and from where


@pytest.mark.parametrize(
    ("settings", "bucket", "fetched", "url"),
    [
        ({}, "x", [CONDA, AUTOSTOP, DELIVER, state.STATE], "s3://x"),
        ({"notebook_host_tools": ["/x"]}, "x", ["/x", CONDA, AUTOSTOP, DELIVER, state.STATE], "s3://x"),
        ({"notebook_host_tools_url": "https://y"}, "x", [CONDA, AUTOSTOP, DELIVER, state.STATE], "https://y"),
        ({"notebook_host_tools_url": "https://y"}, "", [CONDA, AUTOSTOP, DELIVER, state.STATE], "https://y"),
        ({"notebook_host_save_state": False}, "x", [CONDA, AUTOSTOP, DELIVER], "s3://x"),
        ({"notebook_host_save_state": False, "notebook_host_tools_url": "https://y"}, "x", [], "https://y"),
        ({"notebook_host_steps": ["tools", "kernels", "state"]}, "x", [DELIVER, state.STATE], "s3://x"),
        ({"notebook_host_steps": ["efs", "jupyter", "viewer"]}, "x", [], ""),
    ],
)
def test_instances_that_save_state_fetch_the_package(
    settings: dict[str, Any], bucket: str, fetched: list[str], url: str
) -> None:
    found = from_bucket({**ON, **settings}, bucket)
    assert [Path(file).name if state.STATE in file else file for file in files_of(found)] == fetched
    assert found["notebook_host_tools_url"] == url
    assert list(unreachable_state(found)) == []
    files = [file for file in found["notebook_host_tools"] if file != "/x"]
    scripts = render({**found, "notebook_host_tools": files})
    assert ("STATE_ARCHIVE=" in scripts.program) is (state.STATE in fetched)
    assert size(scripts.on_start) < 14_400


def test_nowhere_to_fetch_it_from_is_told() -> None:
    assert need_bucket(with_ours(ON))
    (sentence,) = unreachable_state(ON)
    assert sentence == (
        "notebook_host_save_state is true, but its package is too large for a script, and there is no"
        " tools bucket or mirror to fetch it from; create the platform's storage, set notebook_host_tools_url, or set"
        " notebook_host_save_state: false"
    )


def test_no_other_file_has_its_name(tmp_path: Path) -> None:
    mine = tmp_path / state.STATE
    mine.write_bytes(Path(state.state_archive()).read_bytes())
    settings = {**MIRROR, "notebook_host_tools": [str(mine)]}
    assert files_of(settings) == [str(mine)]
    assert list(unreadable_tools(settings)) == []
    mine.write_text("another")
    (sentence,) = unreadable_tools(settings)
    assert "the platform has another file of this name" in sentence


@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        (
            {"notebook_host_steps": ["kernels", "state"]},
            "notebook_host_save_state is true, which needs the step tools; add",
        ),
        (
            {"notebook_host_steps": ["tools", "state"]},
            "notebook_host_save_state is true, which needs the step kernels;",
        ),
        ({"notebook_host_state_every": -1}, "notebook_host_state_every is -1; it must be a number of seconds from 0"),
        ({"notebook_host_state_share": 0}, "notebook_host_state_share is 0; it must be a number of percent of the"),
        ({"notebook_host_state_share": 91}, "notebook_host_state_share is 91; it must be a number of percent of"),
        ({"notebook_host_state_days": 0}, "notebook_host_state_days is 0; it must be a number of days from 1 to 3,650"),
    ],
)
def test_a_mistake_is_one_sentence(settings: dict[str, Any], beginning: str) -> None:
    (sentence,) = problems({**MIRROR, **settings})
    assert sentence.startswith(beginning)


# On an instance


@pytest.fixture
def instance(host: Host, scripts: Scripts) -> Host:
    """An instance that has started while the mirror did not answer, and has an environment with a kernel."""
    host.stub("setsid")  # the detached process would ask again and again
    host.stub("curl", "echo no route >&2; exit 7")
    host.install(scripts["state"]["on-start.sh"])
    for package_ in ("lib/python3.12/site-packages/ipykernel", "lib/R/library/IRkernel"):
        (host.volume / "custom-miniconda/envs/custom" / package_).mkdir(parents=True)
    host.start()
    assert host.status["state"] == "ok"
    return host


def bring(host: Host, tmp_path: Path, init: str = "", main: str = "") -> Path:
    """Install the archive, and then replace it by that of a package of these two files."""
    file = host.root / "usr/local/libexec/datalab/tools/datalab-state.zip"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(state.archive_of(state.HOST))
    host.run("step_state")
    file.write_bytes(state.archive_of(package(tmp_path / "host", init, main)))
    return file


def launched(host: Host, *program: str, **variables: str) -> str:
    """Return the arguments and environment of a kernel's program, which a stand-in for Python prints."""
    shown = host.root / "shown"
    shown.write_text('#!/bin/bash\necho "$@"\nenv | grep -E "^(PYTHONPATH|DATALAB_)" | sort\n')
    shown.chmod(0o755)
    launcher = host.root / "usr/local/libexec/datalab/kernel"
    command = ["bash", str(launcher), str(shown), *program]
    environment = {"CONDA_PREFIX": str(host.volume), "PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


KERNEL = ("-m", "ipykernel_launcher", "-f", "x.json")


def test_a_kernel_of_python_loads_it_as_soon_as_it_is_there(instance: Host, tmp_path: Path) -> None:
    assert launched(instance, *KERNEL) == "-m ipykernel_launcher -f x.json\n"
    file = bring(instance, tmp_path)
    assert launched(instance, *KERNEL).splitlines() == [
        "-m ipykernel_launcher -f x.json --ext=datalab_state",
        "DATALAB_STATE_DAYS=30",
        "DATALAB_STATE_EVERY=60",
        "DATALAB_STATE_RECIPES=files,sqlite,boto3,locks,generators",
        "DATALAB_STATE_SHARE=50",
        f"PYTHONPATH={file}",
    ]
    assert f"PYTHONPATH={file}:/of/the/person\n" in launched(instance, *KERNEL, PYTHONPATH="/of/the/person")
    assert launched(instance, "--slave", "-e", "IRkernel::main()") == "--slave -e IRkernel::main()\n"


def test_a_missing_package_is_in_the_notice(instance: Host) -> None:
    instance.run("fetch_missing", expect=1)
    assert "datalab-state.zip: no route." in instance.notice
    assert "Kernels that start meanwhile do not save what they have in memory." in instance.notice


def test_a_package_is_installed_or_reported_and_tried_again(instance: Host) -> None:
    mirror = instance.root / "mirror"
    mirror.mkdir()
    for src in (*CASES["state"]["notebook_host_tools"], state.state_archive()):
        shutil.copyfile(src, mirror / Path(src).name)
    instance.stub("curl", f'url="${{@: -1}}"; cat "{mirror}/${{url##*/}}"')
    in_the_way = instance.root / "usr/local/libexec/datalab/state"
    in_the_way.mkdir()
    instance.run("fetch_missing", expect=1)
    assert "Kernels that start meanwhile do not save what they have in memory." in instance.notice
    in_the_way.rmdir()
    instance.run("fetch_missing")
    assert "in memory" not in instance.notice
    assert "--ext=datalab_state" in launched(instance, *KERNEL)


@pytest.mark.parametrize("damage", ["raise ValueError", "this is no Python", None])
def test_a_broken_package_keeps_no_kernel_from_starting(damage: str | None, instance: Host, tmp_path: Path) -> None:
    file = bring(instance, tmp_path, init=damage or "")
    if damage is None:
        file.write_bytes(file.read_bytes()[:1000])
    arguments = launched(instance, *KERNEL).splitlines()[0].split()
    begin = "import os, sys; from ipykernel.kernelapp import IPKernelApp as App"
    code = f"{begin}; App().initialize(sys.argv[1:]); os.write(1, b'it is up')"
    done = subprocess.run(
        [sys.executable, "-c", code, f"--f={tmp_path}/kernel.json", arguments[-1]],
        env={"PYTHONPATH": str(file), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("it is up"), done.stderr


# Before a stop


WHOLE = "print('a.ipynb: 3 variables are saved.')"
PARTLY = f"{WHOLE}; import sys; print('b.ipynb: without x (a thread).', file=sys.stderr); sys.exit(1)"


def hook(host: Host) -> str:
    return host._run([str(host.root / "usr/local/libexec/datalab/before-stop.d/state")], 0)


def test_before_a_stop_every_kernel_saves(instance: Host, tmp_path: Path) -> None:
    before = instance.notice
    bring(instance, tmp_path, main=f"import sys; assert sys.argv[1:] == ['save-all', '--seconds', '50']; {WHOLE}")
    assert hook(instance) == "a.ipynb: 3 variables are saved.\n"
    assert instance.notice == before
    assert "before-stop.d/state ended with 0" in instance.run("before_stop")


def test_unsaved_variables_are_reported_at_the_next_start_only(instance: Host, tmp_path: Path) -> None:
    bring(instance, tmp_path, main=PARTLY)
    assert hook(instance) == "a.ipynb: 3 variables are saved.\nb.ipynb: without x (a thread).\n"
    told = "before a stop: not all that notebooks had in memory was saved. b.ipynb: without x (a thread)."
    assert told in instance.notice
    shutil.rmtree(instance.root / "var/lib/datalab")  # only the volume is left
    instance.start()
    assert told in instance.notice
    (instance.volume / ".datalab/status.json").touch()  # two starts within a second would leave its time unchanged
    instance.start()
    assert "before a stop" not in instance.notice


def test_a_notice_goes_when_all_is_saved(instance: Host, tmp_path: Path) -> None:
    bring(instance, tmp_path, main=PARTLY)
    hook(instance)
    shutil.rmtree(tmp_path / "host")
    bring(instance, tmp_path, main=WHOLE)
    hook(instance)
    assert "before a stop" not in instance.notice


def test_a_broken_archive_is_told_and_keeps_nothing_from_stopping(instance: Host, tmp_path: Path) -> None:
    bring(instance, tmp_path).write_text("no archive")
    assert "SyntaxError" in hook(instance)
    assert "not all that notebooks had in memory was saved." in instance.notice


def test_whatever_stops_the_instance_has_kernels_saved_before_jupyter_ends(
    host: Host, scripts: Scripts, tmp_path: Path
) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.stub("curl", "exit 7")
    asked = host.stub("systemctl", "[[ $* != *is-active* ]]")
    made = host.stub("systemd-run")
    host.install(scripts["state"]["on-start.sh"]).start()
    assert "--unit=datalab-state" not in made.read_text(), "what it would call is not there yet"
    bring(host, tmp_path)
    (unit,) = [line for line in made.read_text().splitlines() if "datalab-state" in line]
    stop = host.root / "usr/local/libexec/datalab/before-stop.d/state"
    assert {"--property=After=jupyter-server.service", f"--property=ExecStop={stop}"} <= set(unit.split("|"))
    assert "daemon-reload" in asked.read_text()
    dropped = host.root / "run/systemd/system/session-.scope.d/datalab.conf"
    assert dropped.read_text() == "[Unit]\nBefore=datalab-state.service\n"
    made.write_text("")
    host.stub("systemctl")
    shutil.rmtree(tmp_path / "host")
    bring(host, tmp_path)
    assert "--unit=datalab-state" not in made.read_text(), "it is there already"


def test_the_case_is_one_that_is_accepted() -> None:
    assert list(problems({**DEFAULTS, **CASES["state"]})) == []
