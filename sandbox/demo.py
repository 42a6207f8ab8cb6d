# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Converge the demo inventory in the sandbox, twice: the second run must find nothing to do. Then show the platform."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
KEPT = ["COLUMNS", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "NO_COLOR", "PATH", "TERM", "TMPDIR", "USER"]
BIN = ".venv/bin"
INSTANCE = "datalab-alice"
REGION = "eu-central-1"
CREDENTIALS = ["AWS_ACCESS_KEY_ID=sandbox", "AWS_SECRET_ACCESS_KEY=local-only"]  # any values are accepted

GO_ON = """
The sandbox is still running, with the platform in it. To go on:

  Look at an instance:
    {look}
  Change a person's instance: edit inventory/demo/host_vars/alice.yml, then
    .venv/bin/ansible-playbook datalab.notebooks.user -i inventory/demo -l alice
  Remove the whole platform:
    .venv/bin/ansible-playbook datalab.notebooks.destroy -i inventory/demo -e platform_destroy=data
  Stop the sandbox:
    make sandbox-stop
  Do the same in an AWS account: begin with inventory/example-aws.
  Do the same with instances that run, and open JupyterLab on them (needs podman):
    make laptop
"""


class DemoError(Exception):
    """The demo failed."""


@dataclass
class Demo:
    """A directory with an inventory and with a sandbox of its own."""

    home: Path
    name: str = "demo"
    sandbox_options: list[str] = field(default_factory=list)
    play_options: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    def start_sandbox(self) -> None:
        """Start the sandbox, unless it runs, in the directory from which the inventory reads its endpoint."""
        self.sandbox("start", *self.sandbox_options)

    def stop_sandbox(self) -> None:
        """Stop the sandbox."""
        self.sandbox("stop")

    def sandbox(self, *arguments: str) -> None:
        """Run a command of the sandbox."""
        command = [sys.executable, "-m", "sandbox", *arguments, "--state-dir", str(self.home / "build/sandbox")]
        self.run(command, show=False)

    @property
    def endpoint(self) -> str:
        """The endpoint of the sandbox."""
        return (self.home / "build/sandbox/endpoint").read_text().strip()

    def play(self, playbook: str, *, show: bool = True) -> str:
        """Run a playbook of the collection over the inventory and return what it printed."""
        inventory = str(self.home / "inventory" / self.name)
        command = ["ansible-playbook", f"datalab.notebooks.{playbook}", "-i", inventory, *self.play_options]
        return self.run(command, show=show)

    def run(self, command: list[str], *, show: bool) -> str:
        """Run a command in the clean environment. With `show` its output is shown at once, else only if it fails."""
        pipe = subprocess.PIPE
        lines = []
        with subprocess.Popen(
            command, cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                lines.append(raw.decode(errors="replace"))
                if show:
                    print(lines[-1], end="", flush=True)
        if process.returncode:
            if not show:
                print("".join(lines))
            raise DemoError(f"This failed with exit code {process.returncode}: {shlex.join(command)}")
        return "".join(lines)

    def environment(self) -> dict[str, str]:
        """Return the environment without the user's AWS settings, proxies, Ansible configuration and collections."""
        ansible = BUILD / "ansible"
        ansible.mkdir(parents=True, exist_ok=True)
        config = ansible / "ansible.cfg"
        config.touch()
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",  # they are about amazon.aws
            "ANSIBLE_HOME": str(ansible),
            "ANSIBLE_REMOTE_TMP": str(ansible / "tmp"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        locale = next((environment[name] for name in ["LC_ALL", "LC_CTYPE", "LANG"] if environment.get(name)), "")
        if "UTF" not in locale.upper():  # Ansible requires UTF-8
            environment["LC_ALL"] = "C.UTF-8"
        if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
            environment["ANSIBLE_FORCE_COLOR"] = "true"
        return environment | self.settings


def expect_no_changes(output: str) -> None:
    """Show the recap of a run; raise DemoError if the run has changed something."""
    recap = re.findall(r"^\S+ +: .*\bchanged=\d+.*$", plain(output), re.MULTILINE)
    if not recap or not all(re.search(r"\bchanged=0\b", line) for line in recap):
        print(output)
        raise DemoError("The second run changed something, which it must not.")
    print("\n".join(recap))


def plain(output: str) -> str:
    """Return the output without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", output)


def announce(phase: str) -> None:
    """Print a headline."""
    print(f"\n==> {phase}", flush=True)


def look_at(endpoint: str) -> list[str]:
    """Return the AWS command line that shows an instance."""
    options = ["--region", REGION, "--endpoint-url", endpoint]
    describe = ["sagemaker", "describe-notebook-instance", "--notebook-instance-name", INSTANCE]
    return ["env", *CREDENTIALS, f"{BIN}/aws", *options, *describe]


def main() -> None:
    """Run the steps of `make demo`."""
    demo = Demo(ROOT)
    announce("The sandbox: AWS on this machine")
    demo.start_sandbox()
    print(demo.endpoint)
    announce("The whole platform, from inventory/demo")
    demo.play("site")
    announce("The same again: nothing may change")
    expect_no_changes(demo.play("site", show=False))
    announce("The platform now")
    demo.play("status")
    look = look_at(demo.endpoint)
    demo.run(look, show=False)
    print(GO_ON.format(look=shlex.join(look)))


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        sys.exit(f"\n{error}")
