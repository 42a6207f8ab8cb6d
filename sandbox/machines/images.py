# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the container images of machines/host, unless they exist.

Their tag is computed from their sources. DATALAB_BASE_IMAGE names another base, such as
public.ecr.aws/amazonlinux/amazonlinux:2023. Molecule's scenarios run this first; it writes the names of the images, and
a podman script that can run them, to build/containers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CONTEXT = Path(__file__).parent / "host"
ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "build" / "containers"
PROGRAMS = DIRECTORY / "bin"  # where .config/molecule/config.yml looks for podman first

DEBIAN = "bookworm"
MADE_BASE = f"localhost/datalab-base:{DEBIAN}"
REGISTRY_BASE = f"docker.io/library/debian:{DEBIAN}-slim"

# The packages of requirements*.txt that an image has as well, by the argument of the Containerfile.
PACKAGES = {"SITE_PACKAGES": ("boto3", "cheroot", "dulwich", "moto", "pypiserver"), "HOST_PACKAGES": ("awscli",)}
CERTIFICATES = "/run/certificates.pem"

# For computers where limits cannot be raised, or whose control groups crun does not accept.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4000:4000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class ContainersError(Exception):
    """Containers cannot run here; the message says what is missing."""


def check() -> None:
    """Raise ContainersError unless there is a podman that can run systemd."""
    if not shutil.which("podman"):
        raise ContainersError("podman is needed: https://podman.io/docs/installation (Debian: apt-get install podman)")
    told = ["podman", "info", "--format", "{{.Host.Security.Rootless}} {{.Host.CgroupsVersion}}"]
    if subprocess.run(told, check=False, capture_output=True, text=True).stdout.split() == ["true", "v1"]:
        raise ContainersError("without root, podman runs systemd only on cgroups v2, and this is v1: run it as root")


def prepare() -> dict[str, str]:
    """Build the images; return the environment variables that name them, and those that podman needs."""
    os.environ["PATH"] = os.environ["PATH"].replace(f"{PROGRAMS}:", "")
    base = base_image()
    environment = configuration(base)
    images = {target: image(target, base, environment) for target in ("site", "host")}
    leave(DIRECTORY / "images.json", json.dumps(images))
    settings = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    leave(PROGRAMS / "podman", f'#!/bin/sh\n{settings}exec {shutil.which("podman")} "$@"\n')
    return {**environment, **{f"DATALAB_{target.upper()}_IMAGE": tag for target, tag in images.items()}}


def base_image() -> str:
    """Return the base of the images: the given one, one that mmdebstrap makes, or else the registry's."""
    if given := os.environ.get("DATALAB_BASE_IMAGE"):
        return given
    if exists(MADE_BASE):
        return MADE_BASE
    if not shutil.which("mmdebstrap"):
        return REGISTRY_BASE
    say(f"Making a base image of Debian {DEBIAN}: this takes about a minute, once")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    archive = DIRECTORY / "base.tar"
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", DEBIAN, str(archive))
    run("podman", "import", "--quiet", str(archive), MADE_BASE)
    archive.unlink()
    return MADE_BASE


def configuration(base: str) -> dict[str, str]:
    """Return the variables with which podman can run containers: none, or else one that names our configuration."""
    trial = ["podman", "run", "--rm", "--network=none", "--systemd=always", base, "true"]
    own = subprocess.run(trial, check=False, capture_output=True, text=True)
    if own.returncode == 0:
        return {}
    ours = {"CONTAINERS_CONF": str(DIRECTORY / "containers.conf")}
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
    Path(ours["CONTAINERS_CONF"]).write_text(CONFIGURATION + runtime, encoding="utf-8")
    if "CONTAINERS_CONF" not in os.environ:
        tried = subprocess.run(trial, check=False, capture_output=True, env={**os.environ, **ours})
        if tried.returncode == 0:
            return ours
    raise ContainersError(f"podman cannot run {base} here: {own.stderr.strip()}")


def image(target: str, base: str, environment: Mapping[str, str]) -> str:
    """Return the image of a target of the Containerfile; build it if it does not exist."""
    arguments = {"BASE": base} | {name: requirements(names) for name, names in PACKAGES.items()}
    sources = sorted(path for path in CONTEXT.rglob("*") if path.is_file())
    contents = [
        f"{path.relative_to(CONTEXT)} {path.stat().st_mode:o}\n".encode() + path.read_bytes() for path in sources
    ]
    inputs = hashlib.sha256(b"\0".join([repr(arguments).encode(), *contents])).hexdigest()
    tag = f"localhost/datalab-{target}:{inputs[:12]}"
    if not exists(tag):
        say(f"Building the image of the {target} container: this takes some minutes, once")
        options = [f"--build-arg={name}={value}" for name, value in {**arguments, **pip_settings()}.items()]
        if certificates := certificates_file():
            options += [f"--volume={certificates}:{CERTIFICATES}:ro", f"--build-arg=PIP_CERT={CERTIFICATES}"]
        command = ["podman", "build", "--network=host", f"--target={target}", f"--tag={tag}", *options, str(CONTEXT)]
        build(command, environment)
    return tag


def build(command: list[str], environment: Mapping[str, str]) -> None:
    """Build an image, and print each step with the time at which it begins."""
    began, lines = time.monotonic(), []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if step := re.match(r"(?:\[\d+/\d+\] )?STEP \S+ .{,80}", line):
                print(f"{time.monotonic() - began:4.0f} s  {step[0].rstrip()}", flush=True)
    if process.returncode:
        raise ContainersError(f"podman build failed:\n{''.join(lines)[-4000:]}")


def requirements(names: tuple[str, ...]) -> str:
    """Return the lines about these packages in the requirements of this repository."""
    lines = [line for file in ROOT.glob("requirements*.txt") for line in file.read_text(encoding="utf-8").splitlines()]
    return " ".join(sorted(line for line in lines if re.split(r"[^\w-]", line)[0] in names))


def pip_settings() -> dict[str, str]:
    """Return the package index that the user's pip is configured for, as a variable of pip."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or configured
    return {"PIP_INDEX_URL": index} if index else {}


def certificates_file() -> str | None:
    """Return the file of certificates that the user's environment names, if there is one."""
    named = [os.environ.get(name, "") for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")]
    return next((name for name in named if Path(name).is_file()), None)


def leave(file: Path, text: str) -> None:
    """Replace a file in one step, since scenarios that read it may be running."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        new.replace(file)


def exists(tag: str) -> bool:
    """Return whether podman has this image."""
    return subprocess.run(["podman", "image", "exists", tag], check=False).returncode == 0


def run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a command, and show its output only if it fails."""
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        output = (done.stdout + done.stderr).decode(errors="replace")
        raise ContainersError(f"{' '.join(command[:2])} failed:\n{output}")


def say(sentence: str) -> None:
    """Announce a step that takes long."""
    print(f"==> {sentence}", flush=True)
