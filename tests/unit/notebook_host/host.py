# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cases for which scripts are rendered, and a directory to run them in, in place of an instance's file system."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import unpack as unpack_line
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts import deliver
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.pack import pack
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.render import render
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.tools import AUTOSTOP, CONDA, DELIVER

ROLE = Path(__file__).parents[3] / "roles" / "notebook_host"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
EFS = {"notebook_host_efs_dns_name": "fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com"}
TLS = {**EFS, "notebook_host_efs_tls": True, "notebook_host_efs_access_point": "fsap-0123456789abcdef0"}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBfake+/=\n-----END CERTIFICATE-----\n"
# Forms in which people have certificates; each has the same two.
CERTIFICATES = {
    "one after the other": CERTIFICATE * 2,
    "with the line ends of Windows": (CERTIFICATE * 2).replace("\n", "\r\n"),
    "with comments": f"# Größe: \tours\nSubject: CN=x\n{CERTIFICATE}\nIssuer: CN=y\n{CERTIFICATE}# The end",
    "indented": f"\n {CERTIFICATE * 2}".replace("\n", "\n  "),
}
MIRRORS: dict[str, Any] = {
    "notebook_host_pip_index_url": "https://pypi.example.com/simple",
    "notebook_host_git_config": {
        "url.https://git.example.com/.insteadOf": "https://github.com/",
        "user.name": "it's me",
    },
    "notebook_host_ca_certificates": CERTIFICATE,
}
deliver.write(Path(DELIVER))  # for a role, which runs in another process
TOOLS = {
    "notebook_host_tools": [str(ROLE / "README.md"), str(ROLE / "meta" / "argument_specs.yml")],
    "notebook_host_tools_url": "https://mirror.example/tools",
}
FILES = {"on-create.sh": "on_create", "on-start.sh": "on_start", "on-start-unpacked.sh": "unpacked"}

# The body of a step, and that of the function that the step detaches.
DETACHES = """
  detach test outlives "it's mine"
}
outlives() {
  for _ in {1..400}; do
    [ ! -e "$VOLUME/go" ] || break
    sleep 0.05
  done
  echo "$1" >"$VOLUME/outlived"
  find /proc/$$/fd -printf '%f %l\\n' >"$VOLUME/new"
  mv "$VOLUME/new" "$VOLUME/open"
"""

# The settings of each case; all others have their defaults.
EVERYTHING_BY_BUCKET: dict[str, Any] = {
    **TLS,
    **MIRRORS,
    "notebook_host_proxy_url": "http://proxy.example.com:3128",
    "notebook_host_tools": [CONDA, AUTOSTOP, DELIVER],
    "notebook_host_tools_url": "s3://datalab-tools-123456789012-eu-central-1",
}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "with efs": EFS,
    "viewer": {**EFS, "notebook_host_steps": ["efs", "jupyter", "viewer"], "notebook_host_efs_read_only": True},
    "no steps": {"notebook_host_steps": []},
    "tls": {**TLS, "notebook_host_steps": ["efs"]},
    "mirrors": {**MIRRORS, "notebook_host_steps": ["mirrors", "kernels"]},
    "everything": {**TLS, **MIRRORS},
    "tools": {**TOOLS, "notebook_host_tools_url": "s3://acme-tools/", "notebook_host_steps": ["tools"]},
    "tools mirror": {**TOOLS, "notebook_host_steps": ["tools"]},
    "everything and tools": EVERYTHING_BY_BUCKET,
    "everything and state": {**EVERYTHING_BY_BUCKET, "notebook_host_save_state": True},
    "state": {
        **TOOLS,
        "notebook_host_save_state": True,
        "notebook_host_steps": ["tools", "kernels", "state", "autostop"],
    },
    "strict": {
        "notebook_host_strict": True,
        "notebook_host_ignore_connections": False,
        "notebook_host_autostop": "observe",
    },
    "odd values": {
        **EFS,
        "notebook_host_steps": ["efs", "conda", "kernels", "own_step", "autostop"],
        "notebook_host_extra_steps": {"own_step": '  local it="isn\'t"\n  echo "$it"\n'},
        "notebook_host_efs_path": '/it\'s "here" $(reboot)',
        "notebook_host_efs_mount_point": '/home/ec2-user/SageMaker/our `team`\'s "files" \\ $HOME',
        "notebook_host_conda_channels": ["conda-forge", "https://mirror.example/a b"],
        "notebook_host_conda_environment": {
            "name": "custom",
            "python": "3.12",
            "packages": ["ipykernel", "numpy >=1.26,<3", "pandas[version='>2']"],
            "pip": ["it's; reboot", "torch @ https://example.org/$(x).whl"],
        },
        "notebook_host_idle_timeout": 900,
        "notebook_host_hold_limit": 7200,
        "notebook_host_efs_read_only": True,
    },
    # These are only run, and never uploaded:
    "trial of the frame": {
        "notebook_host_steps": ["works", "fails", "hangs", "explains", "still_works"],
        "notebook_host_extra_steps": {
            "works": "echo it works; echo works >>$VOLUME/done",
            "fails": "echo it fails; cat $VOLUME/needed",
            "hangs": "sleep 1000 & echo it hangs; echo $! >$VOLUME/hanging; wait",
            "explains": "notice explains 'Nobody has been' 'to the moon lately.'; exit 7",
            "still_works": "echo still_works >>$VOLUME/done",
        },
    },
    "trial of detach": {
        "notebook_host_steps": ["detaches"],
        "notebook_host_extra_steps": {"detaches": DETACHES},
    },
    "trial of conda": {
        "notebook_host_steps": ["conda", "kernels"],
        "notebook_host_conda_channels": ["conda-forge", "https://mirror.example/main"],
        "notebook_host_conda_environment": {
            "name": "team",
            "python": "3.12",
            "packages": ["ipykernel", "numpy >=1.26"],
            "pip": ["torch"],
        },
    },
    **{
        f"only {step}": {**EFS, **MIRRORS, **TOOLS, "notebook_host_steps": [step]}
        for step in DEFAULTS["notebook_host_steps"]
        if step != "state"  # needs other steps
    },
}


def run_playbook(playbook: Path, directory: Path, variables: dict[str, Any]) -> str:
    """Run a playbook in `directory`, and return its output."""
    python = {"ansible_python_interpreter": sys.executable}
    (directory / "variables.json").write_text(json.dumps({**variables, **python}))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", "-e", "@variables.json"]
    done = subprocess.run(
        [*command, playbook],
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(settings: dict[str, Any]) -> dict[str, str]:
    """The scripts of a case, by the names of their files."""
    scripts = render({**DEFAULTS, **settings})
    return {file: getattr(scripts, name) for file, name in FILES.items()}


PROGRAM = re.compile(r"(?<=<<'PROGRAM'\n).*(?=\nPROGRAM\n)")


def unpack(script: str) -> str:
    """Return the program inside an on-start script."""
    return unpack_line(PROGRAM.findall(script)[0])


def with_constants(program: str, **constants: object) -> str:
    """Return a program, in bash or Python, with other values of its constants."""
    for name, value in constants.items():
        program, changes = re.subn(rf"^{name}( ?= ?).*$", rf"{name}\g<1>{value}", program, flags=re.MULTILINE)
        assert changes == 1, name
    return program


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for a condition, since detached work takes time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Host:
    """A directory in place of an instance's root directory, owned by the user who runs the tests."""

    PATHS = (
        "/home/ec2-user|/usr/local/libexec|/usr/local/bin|/run/systemd/system|/var/lib/datalab|/etc/systemd/system"
        "|/mnt/datalab-efs|/etc/jupyter|/etc/sudoers.d|/opt/ml/metadata|/etc/pip.conf|/etc/pki|/etc/ssl|/etc/profile.d"
        "|/usr/local/share/ca-certificates|/usr/local/share/jupyter"
    )

    def __init__(self, root: Path) -> None:
        self.root = root
        self.script = root / "on-start.sh"
        self.home = root / "home/ec2-user"
        self.volume = self.home / "SageMaker"
        self.stubs = root / "stubs"
        self.volume.mkdir(parents=True)
        self.stubs.mkdir()
        for program in ("systemctl", "dnf", "git"):  # leave the computer that runs the tests alone
            self.stub(program)
        self.stub("df", "echo 'Use% IUse%'; echo ' 42%    7%'")

    def install(self, script: str, **constants: object) -> Host:
        """Install an on-start script, with the paths and constants of its program replaced."""
        program = with_constants(self._relocate(unpack(script)), **constants)
        opener = self._relocate(script).replace(f"PATH={self.stubs}:", "PATH=")
        self.script.write_text(PROGRAM.sub(lambda _: pack(program), opener))
        return self

    def write_program(self, program: str) -> None:
        """Write the files that the start unpacks."""
        file = self.root / "usr/local/libexec/datalab/run"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._relocate(program))
        file.chmod(0o755)

    def _relocate(self, text: str) -> str:
        text = re.sub(rf"(?<![\w/])({self.PATHS})\b", rf"{self.root}\1", text)
        text = text.replace("export PATH=", f"export PATH={self.stubs}:{Path(sys.executable).parent}:")
        return text.replace("OWNER=ec2-user", f"OWNER={getpass.getuser()}")

    def stub(self, name: str, body: str = "") -> Path:
        """Put a program first in PATH. It records its calls in the returned file, in the form of a|call."""
        calls = self.stubs / f"{name}.calls"
        program = self.stubs / name
        program.write_text(f'#!/bin/bash\n(IFS="|"; echo "$*") >>"{calls}"\n{body}\n')
        program.chmod(0o755)
        return calls

    def start(self, expect: int = 0) -> str:
        """Run the on-start script as AWS does, and return its output."""
        return self._run(["bash", str(self.script)], expect)

    def run(self, *arguments: str, expect: int = 0) -> str:
        """Run one function of the program that the script has unpacked, and return its output."""
        return self._run([str(self.root / "usr/local/libexec/datalab/run"), *arguments], expect)

    @staticmethod
    def _run(command: list[str], expect: int) -> str:
        script = ["bash", "-c", '"$@" 2>&1', "-", *command]
        done = subprocess.run(script, cwd="/", env={}, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == expect, done.stdout
        return done.stdout

    @property
    def status(self) -> dict[str, str]:
        """The result of each step, from the status file."""
        status = json.loads((self.volume / ".datalab/status.json").read_text())
        return {step["name"]: step["result"] for step in status["steps"]}

    @property
    def notice(self) -> str:
        """The text of PLATFORM-STATUS.md."""
        file = self.volume / "PLATFORM-STATUS.md"
        return file.read_text() if file.exists() else ""

    def tree(self) -> dict[str, str]:
        """All files and their contents, except those with times."""
        timed = ("status.json", ".log", ".calls")
        files = [path for path in self.root.rglob("*") if path.is_file() and not path.name.endswith(timed)]
        return {str(path.relative_to(self.root)): path.read_text() for path in files}
