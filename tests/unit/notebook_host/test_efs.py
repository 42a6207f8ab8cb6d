# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step efs, run by bash with a stand-in for `mount`."""

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, unpack

Scripts = dict[str, dict[str, str]]

OPTIONS = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport"
SOURCE = "fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com:/"


@pytest.mark.parametrize(("case", "options"), [("with efs", OPTIONS), ("viewer", OPTIONS + ",ro")])
def test_the_file_system_is_mounted(case: str, options: str, host: Host, scripts: Scripts) -> None:
    calls = host.stub("mount")
    script = re.sub(r"STEPS=\(.*\)", "STEPS=(efs)", scripts[case]["on-start.sh"])
    host.install(script).start()
    directory = host.volume / "efs"
    assert host.status == {"efs": "ok"}
    assert directory.is_dir()
    assert calls.read_text() == f"-t|nfs4|-o|{options}|{SOURCE}|{directory}\n"
    assert host.notice == ""


def test_odd_paths_are_mounted_too(host: Host, scripts: Scripts) -> None:
    calls = host.stub("mount")
    script = re.sub(r"STEPS=\(.*\)", "STEPS=(efs)", scripts["odd values"]["on-start.sh"])
    host.install(script).start()
    directory = host.volume / 'our `team`\'s "files" \\ $HOME'
    assert directory.is_dir()
    assert calls.read_text() == f'-t|nfs4|-o|{OPTIONS},ro|{SOURCE}it\'s "here" $(reboot)|{directory}\n'


def test_a_file_system_that_is_mounted_is_left_alone(host: Host, scripts: Scripts) -> None:
    calls = host.stub("mount")
    script = scripts["only efs"]["on-start.sh"].replace("/home/ec2-user/SageMaker/efs", "/proc")
    host.install(script).start()
    assert host.status == {"efs": "ok"}
    assert not calls.exists()


def test_a_file_system_that_fails_leaves_a_notice(host: Host, scripts: Scripts) -> None:
    host.stub("mount", "echo no route >&2; exit 32")
    output = host.install(scripts["only efs"]["on-start.sh"]).start()
    assert "no route" in output
    assert host.status == {"efs": "failed"}
    assert f"The shared folder {host.volume}/efs could not be opened." in host.notice
    assert "Stop and start" in host.notice


def test_a_file_system_that_does_not_answer_costs_20_seconds(host: Host, scripts: Scripts) -> None:
    script = scripts["only efs"]["on-start.sh"]
    assert "\nEFS_PATIENCE=20\n" in unpack(script)
    host.stub("mount", "sleep 1000")
    begin = time.monotonic()
    host.install(script, EFS_PATIENCE=1).start()
    assert time.monotonic() - begin < 10
    assert host.status == {"efs": "failed"}
    assert "could not be opened" in host.notice
