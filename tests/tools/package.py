# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the archive, install it where nothing else of the collection can be seen, and run the demo from there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.demo import Demo, DemoError, announce, expect_no_changes, plain

from .collection import BUILD, NAME, ROOT, build_archive, copy_sources, link_dependencies

WORK = BUILD / "package"
COLLECTIONS = WORK / "collections"
INSTALLED = COLLECTIONS / "ansible_collections" / NAME
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


def main() -> None:
    """What `make package` does."""
    shutil.rmtree(WORK, ignore_errors=True)
    demo = Demo(
        INSTALLED,
        sandbox_options=["--port", "0"],
        play_options=["-vv"],  # says where each task is
        settings={
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",  # there is the link to the checkout
        },
    )
    announce("Build")
    copy_sources(WORK / "sources")
    archive = build_archive(WORK / "sources", WORK)
    announce("Install")
    link_dependencies(COLLECTIONS)
    demo.run(["ansible-galaxy", "collection", "install", str(archive), "-p", str(COLLECTIONS), "--offline"], show=True)
    announce("What README.md says of it, in a home that is empty")
    type_install(archive)
    unwanted = {path.name for path in INSTALLED.iterdir()} - WANTED
    if unwanted:
        raise DemoError(f"The archive holds what its users do not need: {', '.join(sorted(unwanted))}")
    announce("The demo, from the installed archive")
    demo.start_sandbox()
    try:
        expect_from_archive(demo.play("site", show=False))
        expect_no_changes(demo.play("site", show=False))
    finally:
        demo.stop_sandbox()


def type_install(archive: Path) -> None:
    """The commands of README's section Install, but for those that ask PyPI and Galaxy."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Install\n")[1].split("\n## ")[0]
    typed = [line.removeprefix("$ ") for line in section.splitlines() if line.startswith("$ ")]
    here = [command for command in typed if "pip install" not in command and "install datalab.notebooks" not in command]
    if len(here) != len(typed) - 2:
        raise DemoError(f"README.md, Install: one command asks PyPI and one Galaxy, but there are {typed}")
    with tempfile.TemporaryDirectory() as home:
        shutil.copy(archive, home)
        link_dependencies(WORK / "dependencies")  # which the virtual environment has, but it has this checkout as well
        environment = {
            "HOME": home,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{home}/.ansible/collections:{WORK}/dependencies",
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        }
        for command in here:
            print(f"$ {command}", flush=True)
            done = subprocess.run(
                ["bash", "-c", command], cwd=home, env=environment, check=False, capture_output=True, text=True
            )
            if done.returncode:
                raise DemoError(f"{command}\n{done.stdout}{done.stderr}")


def expect_from_archive(output: str) -> None:
    """Each task that ran must be one of the installed collection."""
    tasks = re.findall(r"^task path: (.+):\d+$", plain(output), re.MULTILINE)
    elsewhere = {path for path in tasks if not Path(path).is_relative_to(INSTALLED)}
    if not tasks or elsewhere:
        raise DemoError(f"Not all of the {len(tasks)} tasks came from {INSTALLED}, but: {', '.join(sorted(elsewhere))}")
    print(f"All {len(tasks)} tasks came from {INSTALLED.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        sys.exit(f"\n{error}")
