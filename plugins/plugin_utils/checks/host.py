# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Mistakes in the settings of the role notebook_host that its argument specs cannot express."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.datalab.notebooks.plugins.plugin_utils.certificates import has_only_certificates
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import hint, shown

Settings = Mapping[str, Any]

STEPS = ("mirrors", "tools", "efs", "conda", "kernels", "state", "jupyter", "viewer", "autostop")

STEP_NAME = re.compile(r"[a-z][a-z0-9_]*")
ONE_LINE = re.compile(r"[^\n\r\0]+")
ABSOLUTE_PATH = re.compile(r"/[^\n\r\0]*")
PLAIN_PATH = re.compile(r"(?:/[^/\s\0\"'$`\\]+)+")
ADDRESS = re.compile(r"https?://[^\s\0]+")
TOOLS_ADDRESS = re.compile(r"(?:(?:https?|s3)://[^\s\0]+)?")
TOOL = re.compile(r"/(?:[^\n\r\0]*/)?[A-Za-z0-9_][A-Za-z0-9._+-]*")
GIT_NAME = re.compile(r"[A-Za-z][^\n\0]*\.[A-Za-z][A-Za-z0-9-]*")
NOT_BY_PROXY = re.compile(r"[A-Za-z0-9.:/_*-]+")
HOST_NAME = re.compile(r"[A-Za-z0-9.-]*")
ACCESS_POINT = re.compile(r"(?:fsap-[0-9a-f]+)?")
SHA256 = re.compile(r"(?:[0-9a-f]{64})?")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
PYTHON = re.compile(r"[0-9][A-Za-z0-9.*=_+-]*")
SHORTENED_PYTHON = re.compile(r"3\.[0-5]")  # 3.10 without quotes, or older than what Conda has
PACKAGE = re.compile(r"[A-Za-z0-9][^\n\r\0]*")
TIMEOUTS = {
    "notebook_host_idle_timeout": "never",
    "notebook_host_idle_timeout_maximum": "no maximum",
    "notebook_host_hold_limit": "no holds",
    "notebook_host_no_answer_timeout": "never",
}
HOUR = 3600
STATE_NUMBERS = {
    "notebook_host_state_every": (0, 86_400, "seconds"),
    "notebook_host_state_share": (1, 90, "percent of the volume"),
    "notebook_host_state_days": (1, 3_650, "days"),
}
IPYKERNEL = re.compile(r"ipykernel\b")


def problems(settings: Settings) -> Iterator[str]:
    """One sentence for each mistake in all variables notebook_host_*, whose types have been checked."""
    yield from _steps(settings)
    yield from _extra_steps(settings["notebook_host_extra_steps"])
    yield from _pip_index(settings["notebook_host_pip_index_url"])
    yield from _proxy(settings["notebook_host_proxy_url"], settings["notebook_host_no_proxy"])
    yield from _git_config(settings["notebook_host_git_config"])
    yield from _certificates(settings["notebook_host_ca_certificates"])
    yield from tool_problems(settings)
    yield from _file_system(settings)
    yield from _directories(settings)
    yield from _installer(settings)
    yield from _channels(settings["notebook_host_conda_channels"])
    yield from _environment(settings["notebook_host_conda_environment"])
    yield from _state(settings)
    yield from _timeouts(settings)
    yield from _stop_command(settings["notebook_host_stop_command"])


def _steps(settings: Settings) -> Iterator[str]:
    steps = settings["notebook_host_steps"]
    extra = [str(name) for name in settings["notebook_host_extra_steps"]]
    known = [*STEPS, *filter(STEP_NAME.fullmatch, extra)]
    for number, step in enumerate(steps):
        if step not in STEPS and step not in extra:
            otherwise = f"there are {', '.join(known)}; describe any other in notebook_host_extra_steps"
            yield f"notebook_host_steps[{number}] is {shown(step)}, which is not a step{hint(step, known, otherwise)}"
    for step, times in Counter(steps).items():
        if times > 1:
            yield f"notebook_host_steps has {shown(step)} {times} times; it must have each step once"
    if "viewer" in steps and "jupyter" not in steps:
        yield "notebook_host_steps has viewer, which needs the step jupyter; add jupyter"


def _extra_steps(steps: Mapping[Any, Any]) -> Iterator[str]:
    for name, body in steps.items():
        about = f"notebook_host_extra_steps: {shown(name)}"
        if not STEP_NAME.fullmatch(str(name)):
            yield (
                f"{about} is not a name of a step; it must consist of lower-case letters, digits and _ and begin with a"
                " letter, for example my_step"
            )
        if name in STEPS:
            yield f"{about} is a step that there is already; choose another name"
        if not isinstance(body, str) or not body.strip() or "\0" in body:
            what = shown(body) if isinstance(body, str) else "not text"
            yield f"{about} is {what}; it must be bash, for example dnf -y install htop"


def _pip_index(url: str) -> Iterator[str]:
    if url and not ADDRESS.fullmatch(url):
        yield (
            f"notebook_host_pip_index_url is {shown(url)}; it must be an http or https address, for example"
            " https://pypi.example.com/simple"
        )


def _proxy(url: str, exceptions: list[str]) -> Iterator[str]:
    if url and not ADDRESS.fullmatch(url):
        yield (
            f"notebook_host_proxy_url is {shown(url)}; it must be an http or https address, for example"
            " http://proxy.example.com:3128"
        )
    for number, name in enumerate(exceptions):
        if not NOT_BY_PROXY.fullmatch(name):
            yield (
                f"notebook_host_no_proxy[{number}] is {shown(name)}; it must be one name, address or network, for"
                " example .example.com"
            )


def _git_config(config: Mapping[Any, Any]) -> Iterator[str]:
    about = "notebook_host_git_config:"
    for name, value in config.items():
        if not GIT_NAME.fullmatch(str(name)):
            yield f"{about} {shown(name)} is not a name; it must have a section and a key, for example http.proxy"
        if not isinstance(value, str | int | float):
            yield f"{about} {shown(name)} is {shown(value)}; it must be text, a number, true or false"


def _certificates(text: str) -> Iterator[str]:
    if text.strip() and not has_only_certificates(text):
        yield (
            "notebook_host_ca_certificates is not PEM text; it must have certificates, each from -----BEGIN"
            " CERTIFICATE----- to -----END CERTIFICATE-----, and nothing else of that kind, never a private key"
        )


def tool_problems(settings: Settings) -> Iterator[str]:
    """Mistakes in the files that instances fetch, and in their address."""
    files, url = settings["notebook_host_tools"], settings["notebook_host_tools_url"]
    names = [file.rpartition("/")[2] for file in files]
    for number, file in enumerate(files):
        about = f"notebook_host_tools[{number}] is {shown(file)}"
        first = names.index(names[number])
        if not TOOL.fullmatch(file):
            yield (
                f"{about}; it must be the absolute path of a file whose name consists of letters, digits and ._+-, for"
                " example {{ inventory_dir }}/tools/report.py"
            )
        elif first < number:
            yield f"{about}, and notebook_host_tools[{first}] has this name, too; it must have a name of its own"
    if not TOOLS_ADDRESS.fullmatch(url):
        yield (
            f"notebook_host_tools_url is {shown(url)}; it must be an http, https or s3 address, for example"
            ' https://mirror.example.com/tools, or "" for the bucket that the platform creates'
        )


def _file_system(settings: Settings) -> Iterator[str]:
    name, point = settings["notebook_host_efs_dns_name"], settings["notebook_host_efs_access_point"]
    if not HOST_NAME.fullmatch(name):
        yield (
            f"notebook_host_efs_dns_name is {shown(name)}; it must be a host name, for example"
            ' fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com, or "" for none'
        )
    if not ACCESS_POINT.fullmatch(point):
        yield (
            f"notebook_host_efs_access_point is {shown(point)}; it must be the id of an access point, for example"
            ' fsap-0123456789abcdef0, or "" for none'
        )
    elif point and not settings["notebook_host_efs_tls"]:
        yield f"notebook_host_efs_access_point is {point}, which needs TLS; set notebook_host_efs_tls: true"
    if settings["notebook_host_efs_iam"] and not settings["notebook_host_efs_tls"]:
        yield "notebook_host_efs_iam is true, which needs TLS; set notebook_host_efs_tls: true"


def _directories(settings: Settings) -> Iterator[str]:
    path, mount_point = settings["notebook_host_efs_path"], settings["notebook_host_efs_mount_point"]
    if not ABSOLUTE_PATH.fullmatch(path):
        yield f"notebook_host_efs_path is {shown(path)}; it must be an absolute path, for example /teams"
    if not ABSOLUTE_PATH.fullmatch(mount_point) or not mount_point.strip("/"):
        yield (
            f"notebook_host_efs_mount_point is {shown(mount_point)}; it must be an absolute path below /, for example"
            " /home/ec2-user/SageMaker/efs"
        )
    prefix = settings["notebook_host_conda_prefix"]
    if not PLAIN_PATH.fullmatch(prefix):
        yield (
            f"notebook_host_conda_prefix is {shown(prefix)}; it must be an absolute path without spaces, quotes, $, \\"
            " and a / at its end, for example /home/ec2-user/SageMaker/custom-miniconda"
        )


def _installer(settings: Settings) -> Iterator[str]:
    url, digest = settings["notebook_host_conda_installer_url"], settings["notebook_host_conda_installer_sha256"]
    if not ADDRESS.fullmatch(url):
        yield (
            f"notebook_host_conda_installer_url is {shown(url)}; it must be an http or https address, for example"
            " https://mirror.example.com/Miniforge3-Linux-x86_64.sh"
        )
    if not SHA256.fullmatch(digest):
        yield (
            f"notebook_host_conda_installer_sha256 is {shown(digest)}; it must have 64 digits of 0-9 and a-f, as"
            ' sha256sum prints them, or be "" for the sum that is published beside the installer'
        )


def _channels(channels: list[str]) -> Iterator[str]:
    if not channels:
        yield "notebook_host_conda_channels is []; it must have at least one channel, for example conda-forge"
    for number, channel in enumerate(channels):
        if not ONE_LINE.fullmatch(channel):
            yield (
                f"notebook_host_conda_channels[{number}] is {shown(channel)}; it must be the name of a channel or the"
                " address of a mirror in one line, for example conda-forge"
            )


def _environment(environment: Mapping[str, Any]) -> Iterator[str]:
    about = "notebook_host_conda_environment:"
    name, python, packages = environment["name"], environment["python"], environment["packages"]
    if not ENVIRONMENT_NAME.fullmatch(name):
        yield (
            f"{about} name is {shown(name)}; it must consist of letters, digits and ._- and begin with a letter,"
            " digit or _, for example custom"
        )
    if SHORTENED_PYTHON.fullmatch(python):
        yield f"{about} python is {python}; it must be in quotes and 3.6 or newer: YAML takes 3.10 for the number 3.1"
    elif not PYTHON.fullmatch(python):
        yield f'{about} python is {shown(python)}; it must be a version in quotes, for example "3.12"'
    if not any(map(IPYKERNEL.match, packages)):
        yield f"{about} packages is {shown(packages)}; it must have ipykernel, without which there is no kernel"
    for key in ("packages", "pip"):
        for number, package in enumerate(environment.get(key) or []):
            if not PACKAGE.fullmatch(package):
                yield (
                    f"{about} {key}[{number}] is {shown(package)}; it must be one line that begins with a letter or"
                    " digit, for example numpy"
                )


def _state(settings: Settings) -> Iterator[str]:
    steps = settings["notebook_host_steps"]
    if settings["notebook_host_save_state"] and "state" in steps:
        for step in ("tools", "kernels"):
            if step not in steps:
                yield (
                    f"notebook_host_save_state is true, which needs the step {step}; add {step} to"
                    " notebook_host_steps, or take state out"
                )
    for name, (least, most, what) in STATE_NUMBERS.items():
        if not least <= settings[name] <= most:
            yield f"{name} is {settings[name]}; it must be a number of {what} from {least} to {most:,}"


def _timeouts(settings: Settings) -> Iterator[str]:
    for name, zero in TIMEOUTS.items():
        if settings[name] < 0:
            yield f"{name} is {settings[name]}; it must be a number of seconds, for example 3600, or 0 for {zero}"
    if 0 < (hold := settings["notebook_host_hold_limit"]) < HOUR:
        rule = f"it must be at least {HOUR} seconds, since datalab-hold takes hours, or 0 for no holds"
        yield f"notebook_host_hold_limit is {hold}; {rule}"
    maximum = settings["notebook_host_idle_timeout_maximum"]
    for name in ("notebook_host_idle_timeout", "notebook_host_no_answer_timeout"):
        if maximum > 0 and not 0 < settings[name] <= maximum:
            yield (
                f"{name} is {settings[name]}, but notebook_host_idle_timeout_maximum is {maximum}; it must be a number"
                f" of seconds from 1 to {maximum}"
            )


def instance_problems(settings: Settings) -> Iterator[str]:
    """Variables that only stand-ins can have."""
    if command := settings["notebook_host_stop_command"]:
        yield (
            f"notebook_host_stop_command is {shown(command)}, but an instance is stopped by the API of AWS; it must be"
            ' "" for people, and may be set in group_vars/stand_ins.yml'
        )


def _stop_command(command: str) -> Iterator[str]:
    if command and not (ONE_LINE.fullmatch(command) and command.strip()):
        yield (
            f"notebook_host_stop_command is {shown(command)}; it must be one line of bash, for example"
            ' sudo shutdown -h now, or "" for the API of AWS'
        )
