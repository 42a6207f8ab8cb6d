# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the archive, and run the commands of README.md and docs as a newcomer who has nothing but the archive."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import running
from sandbox.demo import DemoError, announce, expect_no_changes, plain

from .collection import BUILD, NAME, ROOT, build_archive, copy_sources, link_dependencies
from .commands import commands, is_typed, pages, refusal, words

WORK = BUILD / "package"
WANTED = {
    "CHANGELOG.md",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "host",
    "inventory",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
}
# Root runs commands as a user without root's rights, who owns root's files.
ORDINARY = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.geteuid() == 0 else []
# The edits of a newcomer to the inventory after a command: the file, the old text, and the new text.
EDITS = {
    # The VPC that the example is connected to belongs to another account.
    "validate -i my-platform": (
        "group_vars/all.yml",
        "  - vpc_id: vpc-0123456789abcdef0\n    cidr: 10.1.0.0/16\n",
        "    []\n",
    ),
    # The edit that `resize` asks for.
    "resize -i my-platform -l bob": ("host_vars/bob.yml", "", "notebook_volume_size_in_gb: 50\n"),
}
# The newcomer's browser opens the page, and follows its link.
BROWSER = """#!/bin/sh
exec curl --silent --output /dev/null "$(curl --silent "$1" | sed -n 's/.*url=\\(http[^"]*\\)".*/\\1/p')"
"""


@dataclass
class Newcomer:
    """An ordinary user in an empty home, which gets the archive and a profile for AWS."""

    home: Path
    dependencies: Path
    typed: set[str] = field(default_factory=set)

    def furnish(self, archive: Path, endpoint: str) -> None:
        """Prepare the home before the first command of README.md."""
        shutil.copy(archive, self.home)
        self.write(
            ".aws/config",
            f"[profile datalab]\nregion = eu-central-1\nendpoint_url = {endpoint}\n"
            "aws_access_key_id = sandbox\naws_secret_access_key = local-only\n",
        )
        self.write("tools/report.py", "print('a file of theirs')\n")
        self.write("bin/browser", BROWSER)
        (self.home / "bin/browser").chmod(0o755)

    def write(self, name: str, text: str) -> None:
        """Write a file below the home."""
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def type(self, command: str) -> str:
        """Run a command as it is written and return its output; if it fails, the page is wrong."""
        script = f"{command} wait $!" if command.endswith("&") else command
        done = subprocess.run(
            [*ORDINARY, "bash", "-c", script],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output, refused = plain(done.stdout), refusal(command)
        if bool(done.returncode) != bool(refused) or refused not in output:
            raise DemoError(f"{command}\n{output}")
        return output

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command; of the virtual environment it gets the dependencies, but not this checkout."""
        return {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{self.home}/.ansible/collections:{self.dependencies}",
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            "ANSIBLE_REMOTE_TMP": f"{self.home}/.ansible/tmp",  # otherwise it is below the home that the system knows
            "ANSIBLE_VERBOSITY": "2",  # prints where each task is
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PROFILE": "datalab",
            "BROWSER": f"{self.home}/bin/browser %s",
        }

    @property
    def installed(self) -> Path:
        """The directory that the archive is unpacked to."""
        return self.home / ".ansible/collections/ansible_collections" / NAME


def main() -> None:
    """Build the archive, and run the commands of all pages as a newcomer."""
    shutil.rmtree(WORK, ignore_errors=True)
    announce("Build")
    copy_sources(WORK / "sources")
    archive = build_archive(WORK / "sources", WORK)
    link_dependencies(WORK / "dependencies")
    with tempfile.TemporaryDirectory() as home, running(transition_seconds=0.2) as sandbox:
        newcomer = Newcomer(Path(home), WORK / "dependencies")
        newcomer.furnish(archive, sandbox.endpoint)
        for page, command in to_type():
            announce(f"{page}: {command}")
            type_as_newcomer(newcomer, command)
        unwanted = {path.name for path in newcomer.installed.iterdir()} - WANTED
        if unwanted:
            raise DemoError(f"The archive contains files that its users do not need: {', '.join(sorted(unwanted))}")


def to_type() -> Iterator[tuple[Path, str]]:
    """Yield the commands of all pages, each once, except `site`, which has nothing to do the second time."""
    typed = set()
    for page in pages():
        for command in filter(is_typed, commands(page.read_text(encoding="utf-8"))):
            if words(command) not in typed or ".site " in command:
                yield page.relative_to(ROOT), command
            typed.add(words(command))


def type_as_newcomer(newcomer: Newcomer, command: str) -> None:
    """Run one command, and check its effects."""
    output = newcomer.type(command)
    expect_from_archive(newcomer, output)
    if words(command) in newcomer.typed:
        expect_no_changes(output)
    else:
        newcomer.typed.add(words(command))
        edit(newcomer, command)


def edit(newcomer: Newcomer, command: str) -> None:
    """Make the edit that follows a command."""
    for after, (name, old, new) in EDITS.items():
        if after in words(command):
            path = newcomer.home / "my-platform" / name
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            if old not in text:
                raise DemoError(f"{name} of the example does not have {old!r} any more")
            path.write_text(text.replace(old, new), encoding="utf-8")


def expect_from_archive(newcomer: Newcomer, output: str) -> None:
    """Check that each task that ran is one of the installed collection."""
    tasks = re.findall(r"^task path: (.+):\d+$", output, re.MULTILINE)
    elsewhere = {path for path in tasks if not Path(path).is_relative_to(newcomer.installed)}
    if elsewhere:
        raise DemoError(f"Not all tasks came from {newcomer.installed}, but: {', '.join(sorted(elsewhere))}")


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        sys.exit(f"\n{error}")
