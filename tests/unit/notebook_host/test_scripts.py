# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scripts as text: the same bytes as the role writes, within AWS's limit, and in order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits import size, step_sizes
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.strip import strip
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    DEFAULTS,
    FILES,
    ROLE,
    run_playbook,
    unpack,
)

Scripts = dict[str, dict[str, str]]

# AWS's limit is 16,384 characters. The rest is for later versions, and for users' packages and steps.
SIZES = {
    "defaults": 14_360,
    "viewer": 6_700,
    "with efs": 15_690,
    "everything": 16_384,
    "everything and tools": 12_600,
    "everything and state": 13_000,
}


@pytest.mark.parametrize(("case", "tasks"), [("defaults", "render"), ("odd values", "main")])
def test_the_role_writes_the_bytes_that_are_rendered(case: str, tasks: str, scripts: Scripts, tmp_path: Path) -> None:
    playbook = Path(__file__).with_name("render_by_role.yml")
    variables = {**CASES[case], "notebook_host_output_dir": f"{tmp_path}/out", "tasks_from": tasks}
    run_playbook(playbook, tmp_path, variables)
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == scripts[case][name].encode(), name


@pytest.mark.parametrize("case", CASES)
def test_aws_and_bash_can_read_the_scripts(case: str, scripts: Scripts) -> None:
    for name, script in scripts[case].items():
        assert script.startswith("#!/bin/bash\n"), name
        assert re.search(r"[^\n]\n\Z", script), name
        assert "\r" not in script, name
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("case", CASES)
def test_shellcheck_finds_nothing(case: str, scripts: Scripts) -> None:
    # One of the odd values has a $ in single quotes, and fetched files are not part of the program.
    fetched = ["--exclude=SC1090,SC2034"]
    excluded = {
        "odd values": ["--exclude=SC2016"],
        "everything and tools": fetched,
        "everything and state": fetched,
    }
    command = ["shellcheck", "-", *excluded.get(case, [])]
    for name, script in scripts[case].items():
        found = subprocess.run(command, input=script, text=True, check=False, capture_output=True)
        assert found.returncode == 0, f"{name}\n{found.stdout}"


@pytest.mark.parametrize("case", CASES)
def test_the_checked_program_is_the_packed_one(case: str, scripts: Scripts) -> None:
    on_start = scripts[case]["on-start.sh"]
    settings = on_start.split("<<'SETTINGS'\n")[1].split("SETTINGS\n")[0]
    assert settings + unpack(on_start) == scripts[case]["on-start-unpacked.sh"]


def test_the_scripts_fit(scripts: Scripts, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = step_sizes({**DEFAULTS, **CASES["everything and state"]})
    total = size(scripts["with efs"]["on-start.sh"])
    with capsys.disabled():
        rows = ", ".join(f"{step} {characters:,}" for step, characters in sizes.items())
        sys.stdout.write(f"\non-start.sh has {total:,} characters in base64: {rows}\n")
    for case, most in SIZES.items():
        for name in ("on-create.sh", "on-start.sh"):
            assert size(scripts[case][name]) <= most, (case, name)
    assert min(sizes.values()) > 0


@pytest.mark.parametrize(
    ("case", "steps"),
    [
        ("defaults", "conda kernels jupyter autostop"),  # neither servers nor a file system are set
        ("everything", "mirrors efs conda kernels jupyter autostop"),
        ("everything and tools", "mirrors tools efs conda kernels jupyter autostop"),
        ("everything and state", "mirrors tools efs conda kernels state jupyter autostop"),
        ("with efs", "efs conda kernels jupyter autostop"),
        ("viewer", "efs jupyter viewer"),
        ("odd values", "efs conda kernels own_step autostop"),
    ],
)
def test_steps_are_those_that_are_wanted(case: str, steps: str, scripts: Scripts) -> None:
    script = scripts[case]["on-start-unpacked.sh"]
    assert f"STEPS=({steps})\n" in script
    assert re.findall(r"^step_(\w+)\(\)", script, re.MULTILINE) == steps.split()


def test_odd_values_reach_bash_as_they_are(scripts: Scripts) -> None:
    settings = scripts["odd values"]["on-start-unpacked.sh"].split("set -u\n")[0]
    wanted = {**DEFAULTS, **CASES["odd values"]}
    environment = wanted["notebook_host_conda_environment"]
    expected = [
        wanted["notebook_host_efs_dns_name"] + ":" + wanted["notebook_host_efs_path"],
        wanted["notebook_host_efs_mount_point"],
        *wanted["notebook_host_conda_channels"],
        "python=3.12",
        *environment["packages"],
        *environment["pip"],
        "7200",
    ]
    names = '"$EFS_SOURCE" "$EFS_DIR" "${CONDA_CHANNELS[@]}" "${CONDA_PACKAGES[@]}"'
    script = f'{settings}printf \'%s\\0\' {names} "${{PIP_PACKAGES[@]}}" "$HOLD_LIMIT"'
    shown = subprocess.run(["bash"], input=script, text=True, check=True, capture_output=True).stdout
    assert shown.split("\0")[:-1] == expected


def test_settings_can_be_read_in_the_script(scripts: Scripts) -> None:
    lines = scripts["with efs"]["on-start.sh"].splitlines()
    assert {"HOLD_LIMIT=86400", f"CONDA_ROOT={DEFAULTS['notebook_host_conda_prefix']}"} <= set(lines)
    (options,) = [line.split("=", 1)[1] for line in lines if line.startswith("AUTOSTOP_OPTIONS=")]
    assert json.loads(options.strip("'")) == {
        "limit": 3600, "maximum": 0, "no_answer": 7200, "ignore_connections": True, "observe": False,
    }  # fmt: skip


def test_the_script_contains_autostop(scripts: Scripts) -> None:
    program = scripts["defaults"]["on-start-unpacked.sh"]
    carried = program.split("<<'AUTOSTOP'\n")[1].split("AUTOSTOP\n")[0]
    assert carried == strip((ROLE / "files" / "datalab-autostop.py").read_text())
