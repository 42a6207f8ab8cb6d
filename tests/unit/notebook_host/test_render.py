# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rendering, the limits of AWS, and the syntax of bash."""

from __future__ import annotations

import base64
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import SCRIPT_LENGTH
from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.host import problems
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import lint, pack
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits import (
    length_problems,
    setting_sizes,
    size,
    step_sizes,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import Scripts, render, steps_of
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import role_options
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    CERTIFICATE,
    DEFAULTS,
    EFS,
    MIRRORS,
    unpack,
)


def scripts_of(**settings: Any) -> Scripts:
    return render({**DEFAULTS, **settings})


def with_step(body: str) -> dict[str, Any]:
    return {**DEFAULTS, "notebook_host_steps": ["mine"], "notebook_host_extra_steps": {"mine": body}}


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, {"mirrors", "tools", "efs", "state"}),
        (EFS, {"mirrors", "tools", "state"}),
        (MIRRORS, {"tools", "efs", "state"}),
        ({"notebook_host_tools": ["/x"]}, {"mirrors", "efs", "state"}),
        ({"notebook_host_save_state": True}, {"mirrors", "efs"}),
        *(({**EFS, variable: value}, {"tools", "state"}) for variable, value in MIRRORS.items()),
    ],
)
def test_steps_without_a_server_are_left_out(settings: dict[str, Any], missing: set[str]) -> None:
    steps = steps_of({**DEFAULTS, **settings})
    assert steps == [step for step in DEFAULTS["notebook_host_steps"] if step not in missing]


def test_a_setting_that_is_missing_is_an_error_and_not_an_empty_text() -> None:
    settings = {name: value for name, value in DEFAULTS.items() if name != "notebook_host_idle_timeout"}
    with pytest.raises(UndefinedError, match="notebook_host_idle_timeout"):
        render(settings)


def test_configurations_with_the_same_steps_are_packed_once() -> None:
    pack.pack.cache_clear()
    scripts = [scripts_of(**EFS, notebook_host_idle_timeout=seconds) for seconds in range(50)]
    assert len({each.on_start for each in scripts}) == 50
    assert len({each.program for each in scripts}) == 1
    assert pack.pack.cache_info().misses == 1


def test_the_program_is_what_is_packed() -> None:
    scripts = scripts_of(**EFS)
    assert unpack(scripts.on_start) == scripts.program
    assert scripts.unpacked.endswith(scripts.program)


STOPS = {
    "": 'cli sagemaker stop-notebook-instance --notebook-instance-name "$(metadata ResourceName)"',
    "sudo shutdown -h now # at once": "sudo shutdown -h now # at once",
}


@pytest.mark.parametrize("command", STOPS)
def test_the_command_that_stops_the_machine(command: str) -> None:
    scripts = scripts_of(notebook_host_stop_command=command)
    assert f"stop_instance() {{\n  {STOPS[command]}\n}}\n" in scripts.program
    assert lint.syntax_problems(scripts) == []


# Unusual values that pass their check, for variables that end up in the settings of the script.
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), min_size=1, max_size=12)
ODD = {
    "EFS_SOURCE": ("notebook_host_efs_path", LINE.map("/{}".format)),
    "EFS_DIR": ("notebook_host_efs_mount_point", LINE.map("/x{}y".format)),
    "CONDA_CHANNELS": ("notebook_host_conda_channels", LINE.map(lambda line: [line])),
}


@pytest.mark.parametrize("name", ODD)
@hypothesis_settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_accepted_values_reach_bash_unchanged(name: str, data: st.DataObject) -> None:
    variable, strategy = ODD[name]
    value = data.draw(strategy)
    settings = {**DEFAULTS, **EFS, variable: value}
    assert list(problems(settings)) == []
    lines = render(settings).on_start.split("<<'SETTINGS'\n")[1].split("SETTINGS\n")[0]
    script = f'{lines}printf %s "${{{name}}}"'.encode()
    shown = subprocess.run(["bash"], input=script, env={"LC_ALL": "C.UTF-8"}, check=True, capture_output=True).stdout
    assert shown.decode().removeprefix(f"{EFS['notebook_host_efs_dns_name']}:") == (
        value[0] if isinstance(value, list) else value
    )


# Limits


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_size_is_that_of_base64(text: str) -> None:
    assert size(text) == len(base64.b64encode(text.encode()))


def test_the_sizes_of_all_steps_are_about_that_of_the_script() -> None:
    settings = {**DEFAULTS, **CASES["everything and state"]}
    sizes = step_sizes(settings)
    assert list(sizes) == ["frame", *DEFAULTS["notebook_host_steps"]]
    assert all(sizes.values())
    assert 0.9 < size(render(settings).on_start) / sum(sizes.values()) <= 1


def test_a_step_that_is_left_out_needs_nothing() -> None:
    assert step_sizes(DEFAULTS)["efs"] == 0


@pytest.mark.parametrize(("characters", "too_long"), [(SCRIPT_LENGTH, False), (SCRIPT_LENGTH + 1, True)])
def test_a_script_is_too_long_by_what_aws_counts(
    characters: int, too_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_step("true")
    limit = size(render(settings).on_start) + SCRIPT_LENGTH - characters
    monkeypatch.setattr(
        "ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.limits.SCRIPT_LENGTH", limit
    )
    assert bool([*length_problems(settings, render(settings))]) is too_long


NOISE = "".join(sha256(bytes([number])).hexdigest() for number in range(250))
# A long value of each setting that can be long, by the setting's name in the message.
MADE_LONG: dict[str, Any] = {
    "notebook_host_pip_index_url": f"https://pypi.example.com/{NOISE}",
    "notebook_host_proxy_url": f"http://{NOISE}",
    "notebook_host_no_proxy": [f".{NOISE[start : start + 16]}" for start in range(0, len(NOISE), 16)],
    "notebook_host_git_config": {f"url.https://{NOISE}/.insteadOf": "https://github.com/"},
    "notebook_host_ca_certificates": CERTIFICATE.replace("MIIBfake", NOISE),
    "notebook_host_tools_url": f"s3://{NOISE}",
    "notebook_host_efs_dns_name": NOISE,
    "notebook_host_efs_path": f"/{NOISE}",
    "notebook_host_efs_mount_point": f"/{NOISE}",
    "notebook_host_conda_installer_url": f"https://{NOISE}",
    "notebook_host_conda_prefix": f"/{NOISE}",
    "notebook_host_conda_channels": ["conda-forge", f"https://{NOISE}"],
    "notebook_host_conda_environment: name": NOISE,
    "notebook_host_conda_environment: python": f"3.12.{NOISE}",
    "notebook_host_conda_environment: packages": ["ipykernel", NOISE],
    "notebook_host_conda_environment: pip": [NOISE],
    "notebook_host_extra_steps: mine": f"echo {NOISE}",
    "notebook_host_state_recipes": [NOISE],
    "notebook_host_stop_command": f"sudo shutdown -h now # {NOISE}",
}
NEVER_LONG = {
    "notebook_host_output_dir",  # is in no script
    "notebook_host_steps",  # has a message of its own
    "notebook_host_conda_installer_sha256",
    "notebook_host_efs_access_point",
    "notebook_host_autostop",
}
WITH_ALL = {
    **DEFAULTS,
    **CASES["everything and state"],
    "notebook_host_proxy_url": "http://proxy.example.com:3128",
    "notebook_host_steps": [*DEFAULTS["notebook_host_steps"], "mine"],
    "notebook_host_extra_steps": {"mine": "true"},
}


def made_long(about: str) -> dict[str, Any]:
    name, _, key = about.partition(": ")
    value = MADE_LONG[about]
    return {**WITH_ALL, name: {**WITH_ALL[name], key: value} if key else value}


@pytest.mark.parametrize("about", MADE_LONG)
def test_the_longest_settings_are_named_first(about: str) -> None:
    settings = made_long(about)
    (sentence,) = length_problems(settings, render(settings))
    assert f"Settings: {about} " in sentence
    added = size(render(settings).on_start) - size(render(WITH_ALL).on_start)
    assert abs(setting_sizes(settings)[about] - added) < 200


def test_many_files_are_named_first(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{number}{NOISE[:200]}") for number in range(150)]
    for file in files:
        Path(file).write_text(file)
    settings = {**WITH_ALL, "notebook_host_tools": [*WITH_ALL["notebook_host_tools"], *files]}
    (sentence,) = length_problems(settings, render(settings))
    assert "Settings: notebook_host_tools " in sentence


def test_files_do_not_cost_what_their_step_does() -> None:
    settings = {**DEFAULTS, **CASES["tools mirror"]}
    assert 0 < setting_sizes(settings)["notebook_host_tools"] < step_sizes(settings)["tools"] / 2


def test_every_setting_is_in_the_table() -> None:
    texts = {
        name for name, option in role_options("notebook_host").items() if option["type"] in {"str", "list", "dict"}
    }
    assert texts == {about.partition(":")[0] for about in MADE_LONG} | NEVER_LONG | {"notebook_host_tools"}


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({}, ", or create the platform's storage with platform_storage: "),
        (
            {"notebook_host_tools_url": "https://mirror.example"},
            ', or set notebook_host_tools_url: "": ',
        ),
        (
            {"notebook_host_steps": ["conda", "autostop"], "notebook_host_tools_url": "https://mirror.example"},
            ', or add tools to notebook_host_steps and set notebook_host_tools_url: "": ',
        ),
        (CASES["everything and tools"], ". Settings: "),
        ({"notebook_host_steps": ["conda"], **CASES["everything and tools"]}, ". Settings: "),
    ],
)
def test_the_remedy_is_a_bucket_where_it_saves_anything(given: dict[str, Any], remedy: str) -> None:
    settings = {**DEFAULTS, **given, "notebook_host_conda_channels": [NOISE]}
    (sentence,) = length_problems(settings, render(settings))
    assert f"; shorten the longest settings or leave out a step{remedy}" in sentence


def test_the_sentence_about_the_length_names_variables_and_sizes() -> None:
    settings = with_step(f"echo {NOISE}")
    (sentence,) = length_problems(settings, render(settings))
    steps, longest = step_sizes(settings), setting_sizes(settings)
    total = size(render(settings).on_start)
    assert sentence == (
        f"notebook_host_steps makes on-start.sh {total:,} characters long in base64, but AWS accepts at most 16,384;"
        " shorten the longest settings or leave out a step."
        f" Settings: notebook_host_extra_steps: mine {longest['notebook_host_extra_steps: mine']:,}."
        f" Steps: mine {steps['mine']:,}, frame {steps['frame']:,}"
    )


# Syntax


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return original(command, **options)

    original = subprocess.run
    monkeypatch.setattr(subprocess, "run", run)
    lint.syntax_errors.cache_clear()
    return commands


def test_bash_is_asked_once_for_a_program(processes: list[list[str]]) -> None:
    for seconds in range(20):
        assert lint.syntax_problems(scripts_of(notebook_host_idle_timeout=seconds)) == []
    assert [command[1:] for command in processes] == [["-n"]]


@pytest.mark.parametrize(
    ("body", "words"),
    [("if true; then echo", "syntax error near unexpected token"), ("echo 'it", "unexpected EOF while looking for")],
)
def test_an_error_of_bash_is_one_line(body: str, words: str, processes: list[list[str]]) -> None:
    scripts = render(with_step(body))
    said = [lint.syntax_problems(scripts) for _ in range(2)]
    assert said[0] == said[1]
    ((sentence,), _) = said
    assert sentence.startswith(f"{lint.VARIABLES}: bash cannot read on-start.sh with them: ")
    assert words in sentence
    assert "\n" not in sentence
    assert len(processes) == 1


def test_without_bash_nothing_is_said(
    processes: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lint.syntax_problems(render(with_step("if"))) == []
    assert processes == []
