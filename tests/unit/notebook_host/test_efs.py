# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step efs, run by bash with stand-ins for `mount` and the AWS CLI."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, unpack, wait_for

Scripts = dict[str, dict[str, str]]

OPTIONS = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,nosuid,nodev"
BIND = "-c|--bind|{root}|/proc/self/fd/8/."
SOURCE = "fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com:/"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/datalab-alice"


@pytest.fixture
def instance(host: Host) -> Host:
    """An instance of alice, in the team research."""
    metadata = host.root / "opt/ml/metadata/resource-metadata.json"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(json.dumps({"ResourceArn": ARN, "ResourceName": "datalab-alice"}, indent=1))
    tags(host, "research", "alice")
    return host


def tags(host: Host, team: str, owner: str) -> Path:
    """Set the tags that AWS returns for the instance."""
    return host.stub("aws", f"echo '{team}/{owner}'")


def opens(host: Host, before: str = "") -> Path:
    """Let `mount` succeed: the place stays an empty, writable directory, and is recorded in the file `bound`."""
    return host.stub("mount", f'{before}\n[ "$1" = -t ] || readlink /proc/self/fd/8 >>"{host.root}/bound"')


def bound(host: Host) -> list[str]:
    """The directories that the file system was mounted over."""
    file = host.root / "bound"
    return file.read_text().splitlines() if file.exists() else []


def only_efs(scripts: Scripts, case: str) -> str:
    """Return the script of a case with the step efs only."""
    return re.sub(r"STEPS=\(.*\)", "STEPS=(efs)", scripts[case]["on-start.sh"])


@pytest.mark.parametrize(
    ("case", "kind", "options"),
    [
        ("with efs", "nfs4", OPTIONS),
        ("viewer", "nfs4", f"{OPTIONS},ro,noexec"),
        ("tls", "efs", "nosuid,nodev,tls,accesspoint=fsap-0123456789abcdef0"),
    ],
)
def test_the_file_system_is_mounted(case: str, kind: str, options: str, instance: Host, scripts: Scripts) -> None:
    calls = opens(instance)
    instance.stub("mount.efs")
    instance.install(only_efs(scripts, case)).start()
    root = instance.root / "mnt/datalab-efs"
    assert instance.status == {"efs": "ok"}
    assert calls.read_text().splitlines() == [f"-t|{kind}|-o|{options},retry=0|{SOURCE}|{root}", BIND.format(root=root)]
    assert bound(instance) == [str(instance.volume / "efs")]
    assert instance.notice == ""


@pytest.mark.parametrize(
    ("case", "helper", "package"), [("tls", "mount.efs", "amazon-efs-utils"), ("viewer", "mount.nfs4", "nfs-utils")]
)
def test_requirements_of_a_mount_are_installed_once(
    case: str, helper: str, package: str, instance: Host, scripts: Scripts
) -> None:
    opens(instance)
    missing = helper.replace("mount.", "mount.new-")  # as if this computer did not have it
    installed = instance.stub("dnf", f'echo >"{instance.stubs}/{missing}"; chmod +x "{instance.stubs}/{missing}"')
    instance.write_program(scripts[case]["on-start-unpacked.sh"].replace(helper, missing))
    for _ in range(2):
        instance.run("efs_mount")
    assert installed.read_text() == f"-q|-y|install|{package}\n"


def test_git_trusts_the_files_of_an_access_points_user(instance: Host, scripts: Scripts) -> None:
    opens(instance)
    configured = instance.stub("git")
    instance.install(only_efs(scripts, "viewer")).start()
    assert not configured.exists()
    instance.install(only_efs(scripts, "tls")).start()
    assert configured.read_text() == "config|--system|safe.directory|*\n"


# The output of mount, and its part in the notice.
REASONS = {
    "mount.nfs4: Failed to resolve server fs-1: Name or service not known": "Name or service not known",
    "mount.nfs4: Connection refused for fs-1:/ on /efs": "Connection refused",
    "trying text-based options\nmount.nfs4: access denied by server while mounting fs-1:/": "access denied by server",
    "": "no answer in 1 seconds",
}


@pytest.mark.parametrize("words", REASONS)
def test_the_notice_has_the_reason(words: str, instance: Host, scripts: Scripts) -> None:
    instance.stub("mount", f"printf '%s\\n' '{words}' >&2; exit 32" if words else "exec sleep 1000")
    output = instance.install(only_efs(scripts, "viewer"), EFS_PATIENCE=1).start()
    assert REASONS[words] in output
    assert f"could not be opened ({words.splitlines()[-1] if words else REASONS[words]})" in instance.notice


def test_odd_paths_are_mounted_too(instance: Host, scripts: Scripts) -> None:
    calls = opens(instance)
    instance.install(only_efs(scripts, "odd values")).start()
    assert bound(instance) == [str(instance.volume / 'our `team`\'s "files" \\ $HOME')]
    source = f'{SOURCE}it\'s "here" $(reboot)'
    assert calls.read_text().startswith(f"-t|nfs4|-o|{OPTIONS},ro,retry=0|{source}|{instance.root}/mnt/datalab-efs\n")


def test_a_file_system_that_is_mounted_is_left_alone(instance: Host, scripts: Scripts) -> None:
    calls = opens(instance)
    instance.install(only_efs(scripts, "viewer").replace("/home/ec2-user/SageMaker/efs", "/proc")).start()
    assert instance.status["efs"] == "ok"
    assert not calls.exists()


def test_a_file_system_that_answers_late_opens_by_itself(instance: Host, scripts: Scripts) -> None:
    mounts = instance.stub("mount", f'[ -e "{instance.root}/answers" ] || {{ echo no route >&2; exit 32; }}')
    output = instance.install(scripts["only efs"]["on-start.sh"], EFS_PAUSE=0.1).start()
    assert "no route" in output
    assert instance.status == {"efs": "failed"}
    assert (
        f"The shared folder {instance.volume}/efs could not be opened (no route). It opens by itself" in instance.notice
    )
    wait_for(lambda: len(mounts.read_text().splitlines()) > 3)
    (instance.root / "answers").touch()
    wait_for(lambda: instance.notice == "")
    assert (instance.root / "mnt/datalab-efs/teams/research/alice").is_dir()


def test_a_file_system_that_does_not_answer_costs_20_seconds(instance: Host, scripts: Scripts) -> None:
    script = scripts["only efs"]["on-start.sh"]
    assert "\nEFS_PATIENCE=20\n" in unpack(script)
    instance.stub("mount", f'[ ! -e "{instance.root}/answers" ] || exit 0; exec sleep 1000')
    begin = time.monotonic()
    instance.install(script, EFS_PATIENCE=1, EFS_PAUSE=0.1).start()
    assert time.monotonic() - begin < 10
    assert instance.status == {"efs": "failed"}
    (instance.root / "answers").touch()
    wait_for(lambda: instance.notice == "")


def test_nothing_is_hidden_by_the_mount(instance: Host, scripts: Scripts) -> None:
    opens(instance)
    directory = instance.volume / "efs"
    directory.mkdir()
    (directory / "result.csv").write_text("1,2\n")
    instance.install(only_efs(scripts, "viewer")).start()
    (kept,) = instance.volume.glob("efs-*")
    assert re.fullmatch(r"efs-20\d\d-\d\d-\d\d-\d{6}", kept.name)
    assert (kept / "result.csv").read_text() == "1,2\n"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o555
    instance.start()
    assert list(instance.volume.glob("efs-*")) == [kept]


def in_the_way(kind: str, path: Path) -> None:
    """Put something in place of the directory, as a person can."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "file":
        path.touch()
    else:
        path.symlink_to(path.parents[3] / kind)


@pytest.mark.parametrize("kind", ["etc", "missing", "fifo", "file"])
def test_files_in_the_place_of_the_mount_are_set_aside(kind: str, instance: Host, scripts: Scripts) -> None:
    opens(instance)
    (instance.root / "etc").mkdir()
    in_the_way(kind, instance.volume / "efs")
    instance.install(only_efs(scripts, "viewer")).start()
    assert instance.status["efs"] == "ok"
    assert bound(instance) == [str(instance.volume / "efs")]
    assert (instance.volume / "efs").lstat().st_mode == stat.S_IFDIR | 0o555
    (aside,) = instance.volume.glob("efs-*")
    assert stat.S_IFMT(aside.lstat().st_mode) == {"fifo": stat.S_IFIFO, "file": stat.S_IFREG}.get(kind, stat.S_IFLNK)


def test_a_link_above_it_leads_the_mount_nowhere(instance: Host, scripts: Scripts) -> None:
    opens(instance)
    (instance.root / "etc").mkdir()
    (instance.volume / "shared").symlink_to(instance.root / "etc")
    instance.install(only_efs(scripts, "viewer").replace("SageMaker/efs", "SageMaker/shared/efs"))
    instance.start()
    assert instance.status["efs"] == "failed"
    assert bound(instance) == []


# The programs that efs_mount calls; a person acts before or after each of them.
CALLS = ("ls", "mv", "install", "mkdir", "mount", "readlink")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_directory_that_is_swapped_in_any_moment_leads_the_mount_nowhere(
    call: str, when: str, instance: Host, scripts: Scripts
) -> None:
    etc, directory = instance.root / "etc/cron.d", instance.volume / "efs"
    etc.mkdir(parents=True)
    directory.mkdir()
    (directory / "file").touch()  # this is set aside
    swap = f'/bin/mv "{directory}" "{directory}.$RANDOM" 2>/dev/null; /bin/ln -sT "{etc}" "{directory}"'
    before, after = (swap, "") if when == "before" else ("", swap)
    opens(instance, before if call == "mount" else "")
    if call == "mount":
        stub = instance.stubs / "mount"
        stub.write_text(f"{stub.read_text()}\n{after}\n")
    else:
        instance.stub(call, f'{before}\n"/bin/{call}" "$@"; status=$?\n{after}\nexit $status')
    instance.stub("setsid")  # so there is only one attempt
    instance.install(only_efs(scripts, "viewer")).start()
    assert (instance.stubs / f"{call}.calls").exists()
    assert str(etc) not in bound(instance)
    assert any(path.is_symlink() for path in instance.volume.glob("efs*"))


def shared(host: Host) -> dict[str, str]:
    """The folders below the shared one, with their modes."""
    root = host.root / "mnt/datalab-efs"
    return {str(path.relative_to(root)): f"{stat.S_IMODE(path.stat().st_mode):o}" for path in root.rglob("*")}


def test_everybody_has_a_folder_that_all_can_read(instance: Host, scripts: Scripts) -> None:
    asked = tags(instance, "research", "alice")
    opens(instance)
    instance.install(scripts["only efs"]["on-start.sh"]).start()
    wait_for((instance.root / "mnt/datalab-efs/teams/research/alice").exists)
    values = "Tags[?Key=='team'].Value|[0]||'',Tags[?Key=='owner'].Value|[0]||''"
    assert asked.read_text() == (
        f"sagemaker|list-tags|--resource-arn|{ARN}|--query|join('/',[{values}])|--region|eu-central-1|--output|text\n"
    )
    made = {"teams": "2775", "completed": "2775", "teams/research": "2775", "teams/research/alice": "2755"}
    wait_for(lambda: shared(instance) == made)
    (instance.root / "mnt/datalab-efs/teams/research/alice").chmod(0o700)
    instance.run("efs_folders")
    assert shared(instance)["teams/research/alice"] == "700"  # the person's choice is kept
    assert instance.notice == ""


def test_the_aws_cli_is_also_found_in_the_persons_anaconda(instance: Host, scripts: Scripts) -> None:
    program = instance.home / "anaconda3/bin/aws-of-anaconda"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/bash\necho research\n")
    program.chmod(0o755)
    unpacked = scripts["only efs"]["on-start-unpacked.sh"]
    instance.write_program(unpacked.replace(' aws "$@" ', f" {program.name} "))
    assert instance.run("tag", "team") == "research\n"


@pytest.mark.parametrize(
    ("team", "owner"),
    [
        ("", ""),
        ("a/b", "alice"),
        ("..", "alice"),
        ("research", ".."),
        ("", "alice"),
        ("research", ""),
        ("research", "x/y"),
    ],
)
def test_names_that_lead_elsewhere_make_no_folder(team: str, owner: str, instance: Host, scripts: Scripts) -> None:
    tags(instance, team, owner)
    opens(instance)
    instance.install(scripts["only efs"]["on-start.sh"]).start()
    wait_for(lambda: "could not be made" in instance.notice)
    assert set(shared(instance)) <= {"teams", "completed"}
    assert "tags team and owner" in instance.notice


def test_a_link_on_the_file_system_makes_nothing_elsewhere(instance: Host, scripts: Scripts) -> None:
    chown = instance.stub("chown")
    opens(instance, f'[ "$1" != -t ] || ln -s "{instance.root}/elsewhere" "${{@: -1}}/teams"')
    instance.install(scripts["only efs"]["on-start.sh"]).start()
    wait_for(lambda: "could not be made" in instance.notice)
    assert not (instance.root / "elsewhere").exists()
    assert not chown.exists()
