# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step conda, run by bash with an installer that installs a `conda` of a few lines."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import CONDA, DELIVER, from_bucket
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    DEFAULTS,
    Host,
    rendered,
    unpack,
    wait_for,
)

Scripts = dict[str, dict[str, str]]

# An environment is a directory with ipykernel and a `python` that records its calls. Like the real one, this conda
# installs into environments only, and `conda create` replaces an existing environment, but nothing else.
# If the file `broken` or `broken-environment` exists, its commands are run when the work is half done.
# While `broken-pip` exists, pip does not find its package.
INSTALLER = r"""#!/bin/bash
here=$(dirname "$3")
echo "installer $1 $2" >>"$here/calls"
mkdir "$3" || exit
[ ! -e "$here/broken" ] || . "$here/broken"
mkdir "$3/bin" "$3/envs"
cat >"$3/bin/conda" <<'END'
#!/bin/bash
here=$(dirname "$0")/../..
printf '%s|' conda "$@" >>"$here/calls"
echo >>"$here/calls"
dir=$(sed 's/.*--prefix|\([^|]*\)|.*/\1/' <<<"$(printf '%s|' "$@")")
history=$dir/conda-meta/history
case $1 in
  clean) exit 0 ;;
  install) [ -e "$history" ] || exit ;;
  create)
    [ ! -e "$history" ] || rm -r "$dir"
    mkdir -p "${history%/*}" && touch "$history" || exit
    ;;
esac
[ ! -e "$here/broken-environment" ] || . "$here/broken-environment"
mkdir -p "$dir/bin" "$dir/lib/python3.12/site-packages/ipykernel"
sed "s|HERE|$here|" <<'PYTHON' >"$dir/bin/python"
#!/bin/bash
echo "python $*" >>HERE/calls
[ ! -e HERE/broken-pip ] || { echo "ERROR: No matching distribution found for torch"; exit 1; }
PYTHON
chmod +x "$dir/bin/python"
END
chmod +x "$3/bin/conda"
"""


@pytest.fixture
def site(served: tuple[Path, str]) -> Path:
    """A served directory with an installer and its checksum."""
    directory, url = served
    (directory / "installer.sh").write_text(INSTALLER)
    (directory / "installer.sh.sha256").write_text(f"{hashlib.sha256(INSTALLER.encode()).hexdigest()}  installer.sh\n")
    (directory / "url").write_text(f"{url}/installer.sh")
    return directory


@pytest.fixture
def conda(host: Host, scripts: Scripts, site: Path) -> Host:
    """An instance with the steps conda and kernels, which downloads the installer from the site."""
    return host.install(from_site(scripts["trial of conda"]["on-start.sh"], site), CONDA_STALL=1)


def from_site(script: str, site: Path) -> str:
    return re.sub("^CONDA_INSTALLER=.*$", f"CONDA_INSTALLER={(site / 'url').read_text()}", script, flags=re.MULTILINE)


def calls(host: Host) -> list[str]:
    """Return the calls of the installer, conda and pip."""
    file = host.volume / "calls"
    return file.read_text().splitlines() if file.exists() else []


def bootstrap(host: Host) -> None:
    """Run a start, and wait for its detached work."""
    assert "being installed" not in host.notice
    host.start()
    assert host.status["conda"] == "ok"
    wait_for(lambda: "being installed" not in host.notice)


def kernel(host: Host) -> Path:
    return host.home / ".local/share/jupyter/kernels/custom-team/kernel.json"


def created(host: Host) -> list[str]:
    """Return the calls that are expected on an empty volume."""
    return ["installer -b -p", *added(host, "create")]


def added(host: Host, verb: str = "install") -> list[str]:
    """Return the calls that are expected for an environment."""
    prefix = f"{host.volume}/custom-miniconda/envs/team"
    channels = "--override-channels|--channel=conda-forge|--channel=https://mirror.example/main"
    return [
        f"conda|{verb}|--yes|--quiet|--prefix|{prefix}|{channels}|python=3.12|ipykernel|numpy >=1.26|",
        "python -m pip install torch",
        "conda|clean|--yes|--quiet|--tarballs|",
    ]


def test_the_first_start_installs_and_registers_the_environment(conda: Host) -> None:
    bootstrap(conda)
    assert calls(conda) == created(conda)
    assert kernel(conda).exists()
    assert conda.notice == ""
    assert not list(conda.volume.glob("custom-miniconda.*"))


def test_the_start_does_not_wait_and_says_what_is_going_on(conda: Host, site: Path) -> None:
    (site / "installer.sh").write_text("sleep 1000")
    conda.stub("curl", 'while [ ! -e "$0.go" ]; do sleep 0.05; done; exec /usr/bin/env -i PATH=/usr/bin:/bin curl "$@"')
    conda.start()
    assert conda.status == {"conda": "ok", "kernels": "ok"}
    assert '"Custom (team)" appears' in conda.notice
    (conda.stubs / "curl.go").touch()
    wait_for(lambda: "is not as it should be" in conda.notice)


def test_all_later_starts_do_nothing(conda: Host) -> None:
    bootstrap(conda)
    before = conda.tree()
    detached = conda.stub("setsid")
    conda.start()
    assert not detached.exists()
    conda.run("conda_bootstrap")  # as if an earlier start had detached it late
    assert calls(conda) == created(conda)
    (conda.stubs / "setsid").unlink()
    assert conda.tree() == before


def test_with_a_bucket_what_installs_it_is_fetched(host: Host, site: Path) -> None:
    settings = {**DEFAULTS, **CASES["trial of conda"], "notebook_host_steps": ["tools", "conda", "kernels"]}
    script = rendered(dict(from_bucket(settings, "acme-tools")))["on-start.sh"]
    assert "conda_install()" not in unpack(script)
    host.install(from_site(script, site), TOOLS_PAUSE=0.2)
    host.stub("aws", "echo 'not there' >&2; exit 1")
    host.start()
    wait_for(lambda: "datalab-conda.sh: not there" in host.notice)
    assert "being installed" not in host.notice
    assert calls(host) == []

    host.stub("aws", f'case "$*" in *datalab-conda.sh*) cat {CONDA} ;; *) cat {DELIVER} ;; esac')
    wait_for(kernel(host).exists)
    wait_for(lambda: host.notice == "")
    assert calls(host) == created(host)
    assert kernel(host).exists()
    host.start()
    assert (host.status, host.notice) == ({"tools": "ok", "conda": "ok", "kernels": "ok"}, "")
    assert calls(host) == created(host)


def test_two_starts_at_once_install_once(conda: Host) -> None:
    conda.start()
    for _ in range(3):
        conda.run("detach", "conda", "conda_bootstrap")
    wait_for(lambda: "being installed" not in conda.notice)
    assert calls(conda) == created(conda)


def test_an_installer_with_another_sum_is_not_run(conda: Host, site: Path) -> None:
    (site / "installer.sh").write_text(INSTALLER + "# changed\n")
    bootstrap(conda)
    assert calls(conda) == []
    assert "is not as it should be" in conda.notice
    assert str(conda.volume / ".datalab/conda.log") in conda.notice
    assert "FAILED" in (conda.volume / ".datalab/conda.log").read_text()


@pytest.mark.parametrize(("sum_of", "runs"), [(INSTALLER, True), ("another installer", False)])
def test_a_pinned_sum_decides_alone(sum_of: str, runs: bool, conda: Host, site: Path) -> None:
    (site / "installer.sh.sha256").unlink()
    pinned = hashlib.sha256(sum_of.encode()).hexdigest()
    script = conda.script.read_text().replace("CONDA_CHANNELS=", f"CONDA_INSTALLER_SHA256={pinned}\nCONDA_CHANNELS=")
    conda.script.write_text(script)
    bootstrap(conda)
    assert calls(conda) == (created(conda) if runs else [])


@pytest.mark.parametrize("fault", ["fault-cut", "fault-stall"])
def test_a_download_that_is_cut_off_or_stalls_is_repeated(fault: str, conda: Host, site: Path) -> None:
    (site / fault).touch()
    bootstrap(conda)
    assert not (site / fault).exists()
    assert calls(conda) == created(conda)
    assert conda.notice == ""


def test_a_server_that_is_not_there_is_named(conda: Host) -> None:
    conda.stub("curl", "echo 'curl: (6) Could not resolve host: mirror' >&2; exit 6")
    bootstrap(conda)
    assert "curl: (6) Could not resolve host: mirror The next start tries again" in conda.notice


def test_the_last_line_is_the_reason_where_no_line_says_error(conda: Host) -> None:
    (conda.volume / "broken-environment").write_text("echo No module named pip; exit 1")
    bootstrap(conda)
    assert "No module named pip The next start tries again" in conda.notice


@pytest.mark.parametrize("broken", ["broken", "broken-environment"])
def test_an_endless_installation_is_ended_and_removed(broken: str, conda: Host) -> None:
    conda.install(conda.script.read_text(), CONDA_LIMIT=1)
    (conda.volume / broken).write_text("sleep 1000")
    bootstrap(conda)
    assert "Error: it took longer than 0 minutes. The next start tries again" in conda.notice
    assert (conda.volume / "custom-miniconda").exists() == (broken == "broken-environment")
    assert not list(conda.volume.glob("custom-miniconda/envs/*"))


@pytest.mark.parametrize("broken", ["broken", "broken-environment"])
def test_a_killed_installation_is_repeated_by_the_next_start(broken: str, conda: Host) -> None:
    """The installation is killed as when the machine ends, so nothing can clean up."""
    (conda.volume / broken).write_text(f'touch "{conda.root}/half-conda"; exec tail -f "{conda.root}/half-conda"')
    conda.start()
    wait_for((conda.root / "half-conda").exists)
    subprocess.run(["pkill", "--signal", "KILL", "--full", f"{re.escape(str(conda.root))}/.*conda"], check=False)
    (conda.volume / broken).unlink()
    conda.run("notice", "conda")
    (conda.volume / "calls").unlink()
    bootstrap(conda)
    assert calls(conda)[-3:] == added(conda, "create")
    assert conda.notice == ""


def test_a_package_that_there_is_not_costs_nobody_an_environment(conda: Host) -> None:
    (conda.volume / "broken-pip").touch()
    bootstrap(conda)
    mine = conda.volume / "custom-miniconda/envs/team/mine"
    mine.touch()
    for _ in range(2):
        assert "ERROR: No matching distribution found for torch The next start tries again" in conda.notice
        conda.run("notice", "conda")
        (conda.volume / "calls").unlink()
        bootstrap(conda)
        assert calls(conda) == added(conda)[:2]
    (conda.volume / "broken-pip").unlink()
    bootstrap(conda)
    assert conda.notice == ""
    assert mine.exists()


def test_an_environment_that_a_person_makes_after_a_failed_one_is_kept(conda: Host) -> None:
    (conda.volume / "broken-environment").write_text("exit 1")
    bootstrap(conda)
    mine = conda.volume / "custom-miniconda/envs/team/lib/python3.12"
    mine.mkdir(parents=True)
    make_environment(mine.parents[1])
    (conda.volume / "broken-environment").unlink()
    bootstrap(conda)
    assert mine.exists()
    assert calls(conda)[-3:] == added(conda)


def make_environment(directory: Path) -> None:
    """Make the files by which conda recognizes an environment."""
    (directory / "conda-meta").mkdir(exist_ok=True)
    (directory / "conda-meta/history").touch()


@pytest.mark.parametrize(("is_environment", "verb"), [(True, "install"), (False, "create")])
def test_half_an_environment_of_an_older_version_is_repaired(is_environment: bool, verb: str, conda: Host) -> None:
    """The older version's mark `begun` does not tell what a person did later, so nothing is removed."""
    bootstrap(conda)
    directory = conda.volume / "custom-miniconda/envs/team"
    shutil.rmtree(directory)
    directory.mkdir()
    (directory / "mine").touch()
    (conda.volume / "custom-miniconda/.datalab-begun-team").touch()
    if is_environment:
        make_environment(directory)
    (conda.volume / "calls").unlink()
    bootstrap(conda)
    assert calls(conda) == added(conda, verb)
    assert (directory / "mine").exists()
    assert conda.notice == ""


@pytest.mark.parametrize("broken", ["broken", "broken-environment"])
def test_a_failed_installation_is_repeated_by_the_next_start(broken: str, conda: Host) -> None:
    interrupt = conda.volume / broken
    interrupt.write_text("exit 1")
    bootstrap(conda)
    assert "The next start tries again" in conda.notice
    assert not kernel(conda).exists()
    interrupt.unlink()
    (conda.volume / "calls").unlink()
    bootstrap(conda)
    assert calls(conda)[-3:] == added(conda, "create")
    assert kernel(conda).exists()
    assert conda.notice == ""


def test_a_package_that_is_wanted_later_is_added_to_what_is_there(conda: Host) -> None:
    bootstrap(conda)
    (conda.volume / "calls").unlink()
    mine = conda.volume / "custom-miniconda/envs/team/mine"
    mine.touch()
    conda.script.write_text(conda.script.read_text().replace("PIP_PACKAGES=(torch)", "PIP_PACKAGES=(torch jax)"))
    bootstrap(conda)
    assert calls(conda) == [added(conda)[0], "python -m pip install torch jax", added(conda)[2]]
    assert mine.exists()


def test_another_python_does_not_cost_what_a_person_installed(conda: Host) -> None:
    bootstrap(conda)
    (conda.volume / "calls").unlink()
    conda.script.write_text(conda.script.read_text().replace("python=3.12", "python=3.13"))
    bootstrap(conda)
    assert calls(conda) == []
    assert "It is to have Python 3.13, but what you installed" in conda.notice
    shutil.rmtree(conda.volume / "custom-miniconda/envs/team")
    bootstrap(conda)
    assert conda.notice == ""
    assert calls(conda)[0] == added(conda, "create")[0].replace("3.12", "3.13")


def test_an_environment_that_was_complete_is_never_made_again(conda: Host) -> None:
    """It stays as it is, at whatever moment its bootstrap was killed."""
    bootstrap(conda)
    mark = conda.volume / "custom-miniconda/envs/team/.datalab-complete"
    assert not list(conda.volume.glob("**/*creating*"))
    mark.unlink()  # as if killed just before the mark was written
    (mark.parent / "mine").touch()
    bootstrap(conda)
    assert (mark.parent / "mine").exists()
    assert mark.exists()


def test_packages_of_people_come_from_the_teams_channels(conda: Host) -> None:
    bootstrap(conda)
    condarc = conda.volume / "custom-miniconda/.condarc"
    assert yaml.safe_load(condarc.read_text()) == {"channels": ["conda-forge", "https://mirror.example/main"]}
    conda.script.write_text(conda.script.read_text().replace("CONDA_CHANNELS=(conda-forge ", "CONDA_CHANNELS=("))
    bootstrap(conda)
    assert yaml.safe_load(condarc.read_text()) == {"channels": ["https://mirror.example/main"]}


def test_environments_of_people_are_never_removed(conda: Host) -> None:
    conda_of_theirs = conda.volume / "custom-miniconda/notes.txt"
    conda_of_theirs.parent.mkdir()
    conda_of_theirs.touch()
    bootstrap(conda)
    assert calls(conda) == []
    assert conda_of_theirs.exists()
    assert "please rename it" in conda.notice


def test_an_environment_of_that_name_that_a_person_made_is_kept(conda: Host) -> None:
    bootstrap(conda)
    environment = conda.volume / "custom-miniconda/envs/team"
    (environment / ".datalab-complete").unlink()
    (conda.volume / "calls").unlink()
    (environment / "mine").touch()
    (conda.volume / "custom-miniconda/.datalab-creating-other").touch()  # another one was interrupted
    bootstrap(conda)
    assert calls(conda) == added(conda)
    assert (environment / "mine").exists()


# A volume on which AWS's sample has made a Conda of its own.


@pytest.fixture
def sample(conda: Host) -> Path:
    """The files of the sample: a Conda that always fails here, and an environment."""
    path = conda.volume / "custom-miniconda/miniconda"
    (path / "envs/custom_python/lib/python3.6/site-packages/ipykernel").mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin/conda").write_text("exit 1")
    return path


def test_ours_comes_beside_the_samples(conda: Host, sample: Path) -> None:
    theirs = {file: text for file, text in conda.tree().items() if "/miniconda/" in file}
    for _ in range(2):
        bootstrap(conda)
        assert conda.notice == ""
        assert {path.parent.name for path in kernel(conda).parents[1].glob("*/*")} == {
            "custom-team",
            "custom-custom_python",
        }
        assert (sample.parent / "datalab/envs/team/.datalab-complete").exists()
        assert theirs.items() <= conda.tree().items()
    ours = (sample.parent / "calls").read_text()
    assert f"--prefix|{sample.parent}/datalab/envs/team|" in ours
    assert ours.count("installer") == 1


def test_ours_stays_where_it_is_when_the_samples_goes(conda: Host, sample: Path) -> None:
    bootstrap(conda)
    shutil.rmtree(sample)
    bootstrap(conda)
    assert conda.notice == ""
    assert (sample.parent / "calls").read_text().count("installer") == 1


def test_ours_stays_where_it_is_when_another_comes(conda: Host) -> None:
    bootstrap(conda)
    (conda.volume / "custom-miniconda/miniconda/bin").mkdir(parents=True)
    bootstrap(conda)
    assert conda.notice == ""
    assert not (conda.volume / "custom-miniconda/datalab").exists()


# Terminals


def shell(host: Host, *options: str, path: str = "/usr/bin:/bin") -> list[str]:
    """Return the output of a shell that reads our profile.d file, in a terminal that inherited Jupyter's variables."""
    command = f'. "{host.root}/etc/profile.d/zz-datalab.sh"; echo "level ${{CONDA_SHLVL-unset}}"'
    env = {"PATH": path, "CONDA_SHLVL": "1", "CONDA_EXE": "/home/ec2-user/anaconda3/bin/conda"}
    done = subprocess.run([*options, command], env=env, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.splitlines()


@pytest.fixture
def terminal(conda: Host) -> Host:
    """An instance whose Conda prints how shells use it."""
    (conda.root / "etc/profile.d").mkdir(parents=True)
    bootstrap(conda)
    script = conda.volume / "custom-miniconda/etc/profile.d/conda.sh"
    script.parent.mkdir(parents=True)
    script.write_text('echo "level ${CONDA_SHLVL-unset}"\nconda() { echo "conda $*"; }\n')
    return conda


@pytest.mark.parametrize("program", ["bash", "sh"])
def test_a_terminal_has_the_platforms_conda_and_its_environment(program: str, terminal: Host) -> None:
    environment = terminal.volume / "custom-miniconda/envs/team"
    assert shell(terminal, program, "-ic") == ["level unset", f"conda activate {environment}", "level unset"]
    shutil.rmtree(environment)
    assert shell(terminal, program, "-ic") == ["level unset", "level unset"]


def test_a_shell_in_a_shell_keeps_what_is_active(terminal: Host) -> None:
    path = f"/x:{terminal.volume}/custom-miniconda/condabin:/usr/bin:/bin"
    assert shell(terminal, "bash", "-ic", path=path) == ["level 1", "level 1"]


def test_shells_that_are_no_terminal_are_left_alone(terminal: Host) -> None:
    """For example, the shell that starts Jupyter."""
    assert shell(terminal, "bash", "-c") == ["level 1"]
    assert shell(terminal, "sh", "-c") == ["level 1"]


def test_a_shell_of_another_user_runs_nothing_of_it(terminal: Host) -> None:
    script = terminal.volume / "custom-miniconda/etc/profile.d/conda.sh"
    if os.geteuid() == 0:
        os.chown(script, 65534, 65534)
    else:
        script.unlink()
        script.symlink_to("/etc/profile")  # which is root's
    assert shell(terminal, "bash", "-ic") == ["level 1"]


def test_without_conda_a_terminal_is_as_the_image_has_it(terminal: Host) -> None:
    shutil.rmtree(terminal.volume / "custom-miniconda")
    assert shell(terminal, "bash", "-ic") == ["level 1"]
