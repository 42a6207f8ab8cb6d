# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages about settings of the right types that still cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.host import STEPS, problems
from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import (
    CASES,
    CERTIFICATE,
    CERTIFICATES,
    DEFAULTS,
    EFS,
    ROLE,
    TLS,
)

ENVIRONMENT = DEFAULTS["notebook_host_conda_environment"]


def environment(**changes: object) -> dict[str, Any]:
    return {"notebook_host_conda_environment": {**ENVIRONMENT, **changes}}


# The settings, and the beginning of the message about them.
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"notebook_host_steps": ["efs", "condo"]},
        "notebook_host_steps[1] is condo, which is not a step; did you mean conda?",
    ),
    (
        {"notebook_host_steps": ["backup"], "notebook_host_extra_steps": {"mine": "true"}},
        (
            "notebook_host_steps[0] is backup, which is not a step; there are mirrors, tools, efs, conda, kernels,"
            " state, jupyter, viewer, autostop, mine; describe any other in notebook_host_extra_steps"
        ),
    ),
    ({"notebook_host_steps": ["efs", "viewer"]}, "notebook_host_steps has viewer, which needs the step jupyter; add"),
    ({"notebook_host_steps": ["efs", "jupyter", "efs"]}, "notebook_host_steps has efs 2 times; it must have each"),
    ({"notebook_host_extra_steps": {"Mine": "true"}}, "notebook_host_extra_steps: Mine is not a name of a step; it"),
    ({"notebook_host_extra_steps": {"x\ny": "true"}}, "notebook_host_extra_steps: 'x\\ny' is not a name of a step"),
    ({"notebook_host_extra_steps": {1: "true"}}, "notebook_host_extra_steps: 1 is not a name of a step; it must"),
    ({"notebook_host_extra_steps": {"efs": "true"}}, "notebook_host_extra_steps: efs is a step that there is already"),
    ({"notebook_host_extra_steps": {"mine": True}}, "notebook_host_extra_steps: mine is not text; it must be bash"),
    ({"notebook_host_extra_steps": {"mine": " \n"}}, "notebook_host_extra_steps: mine is ' \\n'; it must be bash"),
    (
        {"notebook_host_pip_index_url": "pypi.example"},
        "notebook_host_pip_index_url is pypi.example; it must be an http",
    ),
    ({"notebook_host_git_config": {"proxy": "x"}}, "notebook_host_git_config: proxy is not a name; it must have"),
    ({"notebook_host_git_config": {"a.b": ["x"]}}, "notebook_host_git_config: a.b is [x]; it must be text, a"),
    ({"notebook_host_git_config": {"a.b": None}}, "notebook_host_git_config: a.b is empty; it must be text, a"),
    ({"notebook_host_tools": ["x.py"]}, "notebook_host_tools[0] is x.py; it must be the absolute path of a file"),
    ({"notebook_host_tools": ["/x y.py"]}, "notebook_host_tools[0] is /x y.py; it must be the absolute path of a file"),
    ({"notebook_host_tools": ["/x/"]}, "notebook_host_tools[0] is /x/; it must be the absolute path of a file"),
    ({"notebook_host_tools": ["/a", "/b/..", "/c"]}, "notebook_host_tools[1] is /b/..; it must be the absolute path"),
    ({"notebook_host_tools": ["/a/x", "/b/x"]}, "notebook_host_tools[1] is /b/x, and notebook_host_tools[0] has"),
    ({"notebook_host_tools_url": "mirror"}, "notebook_host_tools_url is mirror; it must be an http, https or s3"),
    ({"notebook_host_tools_url": "s3://a b"}, "notebook_host_tools_url is s3://a b; it must be an http, https or"),
    *(
        ({"notebook_host_ca_certificates": text}, "notebook_host_ca_certificates is not PEM text; it must have")
        for text in (
            "/etc/ca.pem",
            "# nothing but a comment",
            CERTIFICATE + CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY"),
            CERTIFICATE.replace("CERTIFICATE", "X509 CRL"),
            CERTIFICATE[:-10],  # cut off
            CERTIFICATE + CERTIFICATE[:40],
            CERTIFICATE.replace("\n", " "),  # a block that YAML has folded
        )
    ),
    ({"notebook_host_proxy_url": "proxy:3128"}, "notebook_host_proxy_url is proxy:3128; it must be an http or https"),
    ({"notebook_host_no_proxy": ["a", "b,c"]}, "notebook_host_no_proxy[1] is b,c; it must be one name, address or"),
    (
        {**EFS, "notebook_host_efs_iam": True},
        "notebook_host_efs_iam is true, which needs TLS; set notebook_host_efs_tls: true",
    ),
    (
        {**TLS, "notebook_host_efs_tls": False},
        "notebook_host_efs_access_point is fsap-0123456789abcdef0, which needs TLS; set notebook_host_efs_tls: true",
    ),
    ({**TLS, "notebook_host_efs_access_point": "ap,rw"}, "notebook_host_efs_access_point is ap,rw; it must be the id"),
    ({"notebook_host_efs_dns_name": "fs-1:/"}, "notebook_host_efs_dns_name is fs-1:/; it must be a host name"),
    ({"notebook_host_efs_mount_point": "efs"}, "notebook_host_efs_mount_point is efs; it must be an absolute path"),
    ({"notebook_host_efs_mount_point": "/efs\n"}, "notebook_host_efs_mount_point is '/efs\\n'; it must be an absolute"),
    ({"notebook_host_efs_mount_point": "//"}, "notebook_host_efs_mount_point is //; it must be an absolute path below"),
    (
        {"notebook_host_efs_path": "teams"},
        "notebook_host_efs_path is teams; it must be an absolute path, for example /",
    ),
    (
        {"notebook_host_conda_prefix": "/home/ec2-user/my conda"},
        "notebook_host_conda_prefix is /home/ec2-user/my conda; it must be an absolute path without spaces",
    ),
    ({"notebook_host_conda_prefix": "/conda/"}, "notebook_host_conda_prefix is /conda/; it must be an absolute path"),
    ({"notebook_host_conda_installer_url": "file:///x"}, "notebook_host_conda_installer_url is file:///x; it must be"),
    ({"notebook_host_conda_installer_sha256": "abc"}, "notebook_host_conda_installer_sha256 is abc; it must have 64"),
    ({"notebook_host_conda_channels": []}, "notebook_host_conda_channels is []; it must have at least one channel"),
    (
        {"notebook_host_conda_channels": ["a", "b\nSETTINGS"]},
        "notebook_host_conda_channels[1] is 'b\\nSETTINGS'; it must",
    ),
    ({"notebook_host_conda_channels": [""]}, "notebook_host_conda_channels[0] is ''; it must be the name of a channel"),
    (environment(name="my env"), "notebook_host_conda_environment: name is my env; it must consist of letters"),
    (environment(name=".."), "notebook_host_conda_environment: name is ..; it must consist of letters"),
    (
        environment(python="3.1"),
        "notebook_host_conda_environment: python is 3.1; it must be in quotes and 3.6 or newer",
    ),
    (
        environment(python="3.12\nSETTINGS"),
        "notebook_host_conda_environment: python is '3.12\\nSETTINGS'; it must be a",
    ),
    (environment(packages=["numpy"]), "notebook_host_conda_environment: packages is [numpy]; it must have ipykernel"),
    (environment(packages=["ipykernels"]), "notebook_host_conda_environment: packages is [ipykernels]; it must have"),
    (
        environment(pip=["--index-url=x"]),
        "notebook_host_conda_environment: pip[0] is --index-url=x; it must be one line",
    ),
    (environment(pip=["a", "a\nb"]), "notebook_host_conda_environment: pip[1] is 'a\\nb'; it must be one line"),
    ({"notebook_host_idle_timeout": -1}, "notebook_host_idle_timeout is -1; it must be a number of seconds, for"),
    ({"notebook_host_idle_timeout_maximum": -1}, "notebook_host_idle_timeout_maximum is -1; it must be a"),
    ({"notebook_host_hold_limit": -1}, "notebook_host_hold_limit is -1; it must be a number of seconds, for example"),
    ({"notebook_host_hold_limit": 60}, "notebook_host_hold_limit is 60; it must be at least 3600 seconds, since"),
    (
        {"notebook_host_idle_timeout": 0, "notebook_host_idle_timeout_maximum": 7200},
        "notebook_host_idle_timeout is 0, but notebook_host_idle_timeout_maximum is 7200; it must be a number",
    ),
    ({"notebook_host_idle_timeout_maximum": 7000}, "notebook_host_no_answer_timeout is 7200, but notebook_host_idle_"),
    ({"notebook_host_no_answer_timeout": -1}, "notebook_host_no_answer_timeout is -1; it must be a number of seconds"),
    ({"notebook_host_stop_command": "a\nb"}, "notebook_host_stop_command is 'a\\nb'; it must be one line of bash"),
    ({"notebook_host_stop_command": " "}, "notebook_host_stop_command is ' '; it must be one line of bash"),
]


@pytest.mark.parametrize(("settings", "beginning"), REFUSED)
def test_a_mistake_is_one_sentence(settings: dict[str, Any], beginning: str) -> None:
    (sentence,) = problems({**DEFAULTS, **settings})
    assert sentence.startswith(beginning)


ACCEPTED: dict[str, dict[str, Any]] = {
    **CASES,
    "a file system": EFS,
    **{f"certificates {name}": {"notebook_host_ca_certificates": text} for name, text in CERTIFICATES.items()},
    "a proxy": {"notebook_host_proxy_url": "http://10.0.0.8:3128", "notebook_host_no_proxy": ["10.0.0.0/8", ".a.org"]},
    "never idle": {"notebook_host_idle_timeout": 0},
    "a machine that is shut down": {"notebook_host_stop_command": "sudo shutdown -h now"},
    "no pip": {"notebook_host_conda_environment": {k: v for k, v in ENVIRONMENT.items() if k != "pip"}},
    "python as conda has it": environment(python="3.12.*"),
    "git as YAML has it": {"notebook_host_git_config": {"http.sslVerify": True, "core.compression": 9}},
    "a whole file system": {"notebook_host_efs_path": "/"},
}


@pytest.mark.parametrize("settings", ACCEPTED.values(), ids=ACCEPTED)
def test_valid_settings_are_accepted(settings: dict[str, Any]) -> None:
    assert list(problems({**DEFAULTS, **settings})) == []


def test_all_mistakes_are_told_in_the_order_of_the_defaults() -> None:
    wrong = {"notebook_host_idle_timeout": -1, "notebook_host_steps": ["a"], "notebook_host_efs_path": ""}
    said = [sentence.split(" ")[0].split("[")[0] for sentence in problems({**DEFAULTS, **wrong})]
    assert said == ["notebook_host_steps", "notebook_host_efs_path", "notebook_host_idle_timeout"]


def test_the_steps_are_those_of_the_role() -> None:
    files = {file.name.removesuffix(".sh.j2") for file in (ROLE / "templates" / "steps").iterdir()}
    assert set(STEPS) == files == {*DEFAULTS["notebook_host_steps"], "viewer"}


# Any value of the right type.
WORDS = st.sampled_from(["", "/", "/a b", "a'b", "x\ny", "https://x/y", "fsap-0a", "fs-1.efs", "3.12", "$(a)", "efs"])
TEXT = WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda each: st.lists(each, max_size=2) | st.dictionaries(TEXT, each, max_size=2),
    max_leaves=3,
)
TYPES: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(),
    str: TEXT,
    list: st.lists(TEXT | st.sampled_from(STEPS), max_size=4),
    dict: st.dictionaries(TEXT | st.integers() | st.none(), ANYTHING, max_size=3),
}
ENVIRONMENTS = st.fixed_dictionaries(
    {"name": TEXT, "python": TEXT, "packages": TYPES[list]}, optional={"pip": TYPES[list] | st.none()}
)
SETTINGS = st.fixed_dictionaries(
    {
        name: st.just(default) | (ENVIRONMENTS if name == "notebook_host_conda_environment" else TYPES[type(default)])
        for name, default in DEFAULTS.items()
    }
)


@given(SETTINGS)
def test_no_value_of_the_right_type_is_an_exception(settings: dict[str, Any]) -> None:
    for sentence in problems(settings):
        assert sentence.startswith("notebook_host_")
        assert sentence.isprintable()
