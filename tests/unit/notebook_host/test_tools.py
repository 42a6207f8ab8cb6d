# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step tools, run by bash, with a bucket that is a directory and a mirror that is a server."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import deliver
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import render
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import (
    AUTOSTOP,
    CONDA,
    DELIVER,
    Tool,
    from_bucket,
    need_bucket,
    tools_of,
    unreadable_tools,
    with_ours,
)
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    DEFAULTS,
    EFS,
    ROLE,
    Host,
    wait_for,
)

Scripts = dict[str, dict[str, str]]

README, SPECS = tools_of({**DEFAULTS, **CASES["tools"]})
# A bucket is the directory beside the stub; missing files are reported as by the AWS CLI.
AWS = """
file=${0%/*}/${3#s3://}
[ -e "$file" ] || { echo "fatal error: An error occurred (404): Key does not exist" >&2; exit 1; }
[ ! -e "$file.hangs" ] || exit 124
cat "$file"
"""


@pytest.fixture
def bucket(host: Host) -> Path:
    """The bucket, with both tools in it."""
    host.stub("aws", AWS)
    metadata = host.root / "opt/ml/metadata/resource-metadata.json"
    metadata.parent.mkdir(parents=True)
    metadata.write_text('{"ResourceArn": "arn:aws:sagemaker:eu-central-1:1:notebook-instance/x", "ResourceName": "x"}')
    return fill(host.stubs / "acme-tools")


def fill(directory: Path) -> Path:
    for tool in (README, SPECS):
        file = directory / tool.key
        file.parent.mkdir(parents=True)
        file.write_bytes(Path(tool.src).read_bytes())
    return directory


@pytest.fixture
def instance(host: Host, scripts: Scripts) -> Host:
    return host.install(scripts["tools"]["on-start.sh"], TOOLS_PAUSE=0.2)


def there(host: Host) -> dict[str, bytes]:
    directory = host.root / "usr/local/libexec/datalab/tools"
    return {file.name: file.read_bytes() for file in directory.glob("*")}


def told(host: Host) -> Callable[[], bool]:
    return lambda: "Some files of the platform are missing" in host.notice


ALL = {tool.name: Path(tool.src).read_bytes() for tool in (README, SPECS)}


def test_tools_are_fetched_after_the_start(instance: Host, bucket: Path) -> None:
    instance.start()
    assert instance.status == {"tools": "ok"}
    wait_for(lambda: there(instance) == ALL)
    file = instance.root / "usr/local/libexec/datalab/tools" / README.name
    assert file.stat().st_mode & 0o777 == 0o755
    assert instance.notice == ""
    calls = (bucket.parent / "aws.calls").read_text().splitlines()
    assert calls == [
        f"s3|cp|s3://acme-tools/{tool.key}|-|--only-show-errors|--region|eu-central-1|--output|text"
        for tool in (README, SPECS)
    ]


def test_current_tools_are_left_alone(instance: Host, bucket: Path) -> None:
    instance.start()
    wait_for(lambda: there(instance) == ALL)
    calls = (bucket.parent / "aws.calls").read_text()
    (instance.root / "usr/local/libexec/datalab/tools" / SPECS.name).write_text("damaged")
    instance.run("fetch_tools")
    assert there(instance) == ALL
    assert (bucket.parent / "aws.calls").read_text() == calls + calls.splitlines(keepends=True)[1]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda file: file.unlink(), "fatal error: An error occurred (404): Key does not exist."),
        (lambda file: file.write_text("another"), "it has another SHA-256."),
        (lambda file: file.with_name(f"{file.name}.hangs").touch(), "no answer."),
    ],
    ids=["missing", "another", "hangs"],
)
def test_a_missing_tool_is_reported_and_the_others_are_installed(
    damage: Callable[[Path], object], reason: str, instance: Host, bucket: Path
) -> None:
    damage(bucket / README.key)
    instance.start()
    wait_for(told(instance))
    assert f"are missing, and asked for every ten minutes. {README.name}: {reason}" in instance.notice
    assert README.name not in there(instance)
    assert there(instance)[SPECS.name] == ALL[SPECS.name]

    (bucket / f"{README.key}.hangs").unlink(missing_ok=True)
    (bucket / README.key).write_bytes(ALL[README.name])
    wait_for(lambda: instance.notice == "")
    assert {name: there(instance)[name] for name in ALL} == ALL


def test_a_mirror(host: Host, scripts: Scripts, served: tuple[Path, str]) -> None:
    site, url = served
    script = re.sub("^TOOLS_URL=.*$", f"TOOLS_URL={url}", scripts["tools mirror"]["on-start.sh"], flags=re.MULTILINE)
    (fill(site) / SPECS.key).unlink()
    host.install(script, TOOLS_PAUSE=0.2).start()
    wait_for(told(host))
    assert re.search(rf"minutes\. {SPECS.name}: curl: .*404\.", host.notice)
    assert there(host)[README.name] == ALL[README.name]


@pytest.mark.parametrize(
    ("settings", "there", "protects"),
    [
        ({}, True, True),
        ({"notebook_host_efs_read_only": True}, True, False),
        ({"notebook_host_efs_tls": True, "notebook_host_efs_access_point": "fsap-0"}, True, False),
        ({"notebook_host_steps": ["tools"]}, True, False),
        ({"notebook_host_steps": ["efs"]}, False, False),
        ({"notebook_host_tools_url": "https://x"}, False, False),
    ],
)
def test_datalab_is_a_command_and_root_protects(
    settings: dict[str, object], there: bool, protects: bool, instance: Host
) -> None:
    wanted = from_bucket({**DEFAULTS, **EFS, "notebook_host_steps": ["tools", "efs"], **settings}, "x")
    program = render(wanted).unpacked
    assert ("/usr/local/bin/datalab" in program, '"$TOOLS_DIR/datalab" protect' in program) == (there, protects)
    if not there:
        return
    protected, command = instance.root / "protected", instance.root / "usr/local/bin/datalab"
    command.parent.mkdir(parents=True)
    tool = instance.root / "usr/local/libexec/datalab/tools/datalab"
    instance.write_program(
        re.sub("^fetch_missing.*$", "fetch_missing() { :\n}\nasked() {", program, flags=re.MULTILINE)
    )
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/bash\necho "$@" >"{protected}"')
    tool.chmod(0o755)
    instance.run("step_tools")
    assert command.resolve() == tool
    if protects:
        wait_for(
            lambda: (
                protected.exists() and protected.read_text() == f"protect {instance.root}/mnt/datalab-efs/completed\n"
            )
        )


# Which files are fetched, and from where


def test_a_tool_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "report.py"
    found = []
    for text in ("one", "another"):
        file.write_text(text)
        found += tools_of({**DEFAULTS, "notebook_host_tools": [str(file)]})
    assert [tool.key for tool in found] == [
        f"{hashlib.sha256(text).hexdigest()}/report.py" for text in (b"one", b"another")
    ]


ALL_OURS = [CONDA, AUTOSTOP, DELIVER]


@pytest.mark.parametrize(
    ("settings", "fetched", "needs"),
    [
        ({}, ALL_OURS, True),
        ({"notebook_host_tools": ["/x"]}, ["/x", *ALL_OURS], True),
        ({"notebook_host_tools": ["/x"], "notebook_host_tools_url": "https://x"}, ["/x"], False),
        ({"notebook_host_tools_url": "https://x"}, [], False),
        ({"notebook_host_steps": ["tools", "conda", "kernels"]}, [CONDA, DELIVER], True),
        ({"notebook_host_steps": ["tools", "kernels", "autostop"]}, [AUTOSTOP, DELIVER], True),
        ({"notebook_host_steps": ["tools", "jupyter"]}, [DELIVER], True),
        ({"notebook_host_steps": ["conda", "autostop"]}, [], False),
    ],
)
def test_ours_come_with_those_who_have_no_mirror(settings: dict[str, object], fetched: list[str], needs: bool) -> None:
    wanted = {**DEFAULTS, **settings}
    assert with_ours(wanted)["notebook_host_tools"] == fetched
    assert need_bucket(with_ours(wanted)) is needs
    assert from_bucket(wanted, "") == wanted
    by_bucket = {"notebook_host_tools": fetched, "notebook_host_tools_url": "s3://x"} if needs else {}
    assert from_bucket(wanted, "x") == {**wanted, **by_bucket}


def test_where_there_is_no_bucket_the_script_carries_ours(scripts: Scripts) -> None:
    for case, carried in (("defaults", True), ("everything and tools", False)):
        for text in ("conda_install()", "def decide("):
            assert (text in scripts[case]["on-start-unpacked.sh"]) is carried, (case, text)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    settings = {"notebook_host_tools": [str(ROLE / "README.md"), str(tmp_path / "no"), str(tmp_path)]}
    remedy = "it must be a file on the machine that runs Ansible"
    assert list(unreadable_tools(settings)) == [
        f"notebook_host_tools[1] is {tmp_path}/no (no such file or directory); {remedy}",
        f"notebook_host_tools[2] is {tmp_path} (is a directory); {remedy}",
    ]


def test_ours_may_be_on_a_mirror_and_no_other_has_their_name(tmp_path: Path) -> None:
    copy = tmp_path / Path(CONDA).name
    copy.write_bytes(Path(CONDA).read_bytes())
    settings = {**DEFAULTS, "notebook_host_tools": [str(copy)]}
    assert list(unreadable_tools(settings)) == []
    assert with_ours(settings)["notebook_host_tools"] == [str(copy), AUTOSTOP, DELIVER]
    copy.write_text("another")
    (said,) = unreadable_tools(settings)
    about = f"notebook_host_tools[0] is {copy}, and the platform has another file of this name"
    assert said == f"{about}; it must have a name of its own"


def test_datalab_is_made_of_the_source_and_the_same_each_time(tmp_path: Path) -> None:
    (made,) = tools_of({**DEFAULTS, "notebook_host_tools": [DELIVER]})
    assert made.name == "datalab"
    deliver.archive.cache_clear()
    copy = tmp_path / "datalab"
    deliver.write(copy)
    assert copy.read_bytes() == Path(DELIVER).read_bytes()
    assert list(unreadable_tools({"notebook_host_tools": [str(copy)]})) == []
    package = deliver.HOST / "src"
    with zipfile.ZipFile(copy) as packed:
        there = {name: packed.read(name) for name in packed.namelist() if name.startswith("datalab_deliver/")}
        assert b"\nnbclient>=" in packed.read("requirements.txt")
    source = [file for file in (package / "datalab_deliver").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert there == {file.relative_to(package).as_posix(): file.read_bytes() for file in source}
    command = [sys.executable, "-I", "-S", str(copy), "protect"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "IndexError" in done.stderr  # it is imported with the standard library alone


def test_the_name_is_that_of_the_file() -> None:
    assert (Tool("/a/b.py", "0a").name, Tool("/a/b.py", "0a").key) == ("b.py", "0a/b.py")


@pytest.mark.parametrize(("file", "begins"), [(CONDA, "conda_bootstrap() {"), (AUTOSTOP, "<<'AUTOSTOP'\n")])
def test_without_the_step_a_script_carries_ours_though_they_are_among_the_tools(file: str, begins: str) -> None:
    steps = [step for step in DEFAULTS["notebook_host_steps"] if step != "tools"]
    settings = from_bucket(
        {**DEFAULTS, "notebook_host_steps": steps, "notebook_host_tools": [file, "/x"]}, "acme-tools"
    )
    assert begins in render(settings).program
    assert settings["notebook_host_tools"] == []
