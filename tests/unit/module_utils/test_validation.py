# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that are refused before any API call, by botocore's own model."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from botocore.model import ServiceModel

from ansible_collections.datalab.notebooks.plugins.module_utils.common.service_model import tag_problems
from ansible_collections.datalab.notebooks.plugins.module_utils.common.session import load_service_model
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import FIELDS, Desired
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.scripts import script_problems
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.validation import (
    instance_problems,
    name_problems,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.pack import pack
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import NAME, ROLE, run_command, want


def problems_of(script: str) -> list[str]:
    return list(script_problems(script, run_command))


# Instances


@dataclass(frozen=True)
class Case:
    """An instance, and the parts of the one message about it; none if it is valid."""

    name: str
    desired: Desired
    parts: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "case",
    [
        Case("nothing but a name", want()),
        Case("longest name", want(name="a" * 63)),
        Case("smallest volume", want(volume_size_in_gb=5)),
        Case("largest volume", want(volume_size_in_gb=16384)),
        Case("most repositories", want(additional_code_repositories=["a", "b", "https://git.example.com/c.git"])),
        Case("most security groups", want(security_group_ids=["sg-1"] * 5)),
        Case("emptied settings", want(lifecycle_config_name="", default_code_repository="", security_group_ids=[])),
        Case("no internet but a subnet", want(direct_internet_access="Disabled", subnet_id="subnet-1")),
        Case("no internet, as it may be already", want(direct_internet_access="Disabled")),
        Case("internet without a subnet", want(direct_internet_access="Enabled")),
        Case("metadata version", want(minimum_instance_metadata_service_version="2")),
        Case("platform", want(platform_identifier="notebook-al2023-v1")),
    ],
    ids=lambda case: case.name,
)
def test_good_instances(service_model: ServiceModel, case: Case) -> None:
    assert instance_problems(service_model, [case.desired]) == []


@pytest.mark.parametrize(
    "case",
    [
        Case("long name", want(name="a" * 64), ("name: has 64 characters; it must have at most 63",)),
        Case("underscore in the name", want(name="datalab_alice"), ("name: 'datalab_alice' is not allowed by AWS",)),
        Case("hyphen at the end", want(name="alice-"), ("name: 'alice-' is not allowed by AWS",)),
        Case("empty name", want(name=""), ("name: '' is not allowed by AWS",)),
        Case("small volume", want(volume_size_in_gb=4), ("volume_size_in_gb: 4 is not between 5 and 16384",)),
        Case("large volume", want(volume_size_in_gb=16385), ("volume_size_in_gb: 16385 is not between 5 and 16384",)),
        Case("no volume", want(volume_size_in_gb=0), ("volume_size_in_gb: 0 is not between 5 and 16384",)),
        Case(
            "mistyped type",
            want(instance_type="ml.t3.medum"),
            ("instance_type: 'ml.t3.medum' is not among the ", "did you mean ml.t3.medium?"),
        ),
        Case(
            "unknown type", want(instance_type="huge"), ("instance_type: 'huge' is not among the ", "upgrade botocore")
        ),
        Case(
            "role name for its ARN",
            want(role_arn="datalab-execution-role"),
            ("role_arn: 'datalab-execution-role' is not allowed",),
        ),
        Case(
            "too many repositories",
            want(additional_code_repositories=list("abcd")),
            ("has 4 entries; it must have at most 3",),
        ),
        Case(
            "odd repository",
            want(additional_code_repositories=["a", "git@a"]),
            ("_repositories: 'git@a' is not allowed",),
        ),
        Case(
            "too many security groups",
            want(security_group_ids=["sg-1"] * 6),
            ("has 6 entries; it must have at most 5",),
        ),
        Case("odd platform", want(platform_identifier="al2023"), ("platform_identifier: 'al2023' is not allowed",)),
        Case("odd configuration", want(lifecycle_config_name="a_b"), ("lifecycle_config: 'a_b' is not allowed",)),
        Case("odd key", want(kms_key_id="my key"), ("kms_key_id: 'my key' is not allowed",)),
        Case(
            "odd metadata version",
            want(minimum_instance_metadata_service_version="3"),
            ("_version: '3' is not allowed",),
        ),
        Case("reserved tag", want(tags={"aws:x": "1"}), ("tags: the key 'aws:x' is reserved",)),
    ],
    ids=lambda case: case.name,
)
def test_bad_instances(service_model: ServiceModel, case: Case) -> None:
    (problem,) = instance_problems(service_model, [case.desired])
    assert problem.startswith("alice: notebook_")
    for part in case.parts:
        assert part in problem


TYPES = load_service_model().shape_for("InstanceType").metadata["enum"]


@pytest.mark.parametrize("said", [str.upper, lambda name: name.removeprefix("ml."), lambda name: name[3:].upper()])
def test_every_type_is_known_by_less_than_its_name(service_model: ServiceModel, said: Callable[[str], str]) -> None:
    for name in TYPES:
        (problem,) = instance_problems(service_model, [want(instance_type=said(name))])
        assert problem.endswith(f"; did you mean {name}?")


@pytest.mark.parametrize(("owner", "variable"), [("alice", "notebook_new_instance_type"), (None, "new_instance_type")])
def test_a_type_that_botocore_does_not_know_yet_is_taken_by_a_word(
    service_model: ServiceModel, owner: str | None, variable: str
) -> None:
    new = "ml.m99.large"
    (problem,) = instance_problems(service_model, [want(instance_type=new, owner=owner)])
    assert problem.endswith(f"if it is new at AWS, upgrade botocore, or set {variable}: true")
    assert instance_problems(service_model, [want(instance_type=new, owner=owner, new_instance_type=True)]) == []


def test_tells_every_problem(service_model: ServiceModel) -> None:
    alice = want(volume_size_in_gb=1, role_arn=ROLE, tags={"": "x"})
    bob = want(name="bob_", owner=None)
    problems = instance_problems(service_model, [alice, bob])
    assert [problem.rpartition(": ")[0] for problem in problems] == [
        "alice: notebook_volume_size_in_gb",
        "alice: notebook_tags",
        "bob_: name: 'bob_' is not allowed by AWS, which asks for [a-zA-Z0-9](-*[a-zA-Z0-9])*".rpartition(": ")[0],
    ]


@pytest.mark.parametrize("option", [f.option for f in FIELDS])
@pytest.mark.parametrize("text", ["https://me:s3cret@git.example.com/x", "https://s3cret@git.example.com"])
def test_no_option_takes_a_secret_or_shows_it(service_model: ServiceModel, option: str, text: str) -> None:
    for value in (text, [text]):
        (problem,) = instance_problems(service_model, [want(**{option: value})])
        assert problem.endswith(": it has a name, password or token; it must have none")
    for tags in ({"a": text}, {text: "a"}):
        (problem,) = instance_problems(service_model, [want(tags=tags)])
        assert problem == "alice: notebook_tags: it has a name, password or token; it must have none"


def test_names_collide(service_model: ServiceModel) -> None:
    people = [want(owner=owner) for owner in ("a.b", "a-b")]
    other = want(name="datalab-bob", owner="bob")
    assert instance_problems(service_model, [*people, other]) == [
        f"a.b and a-b: their instances would both be called {NAME}; rename one of them"
    ]


def test_model_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert "CreateNotebookInstance" in load_service_model().operation_names


@pytest.mark.parametrize(
    ("name", "good"), [("a" * 63, True), ("a" * 64, False), ("a_b", False), ("-a", False), ("", False)]
)
def test_names_of_configurations(service_model: ServiceModel, name: str, good: bool) -> None:
    assert (name_problems(service_model, name) == []) == good


# Tags


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"k" * 128: "v" * 256}, None),
        ({"Cost centre": "a_b.c:d/e=f+g-h@i ü"}, None),
        ({"owner": ""}, None),
        ({f"k{n}": "v" for n in range(50)}, None),
        ({f"k{n}": "v" for n in range(51)}, "51 tags are too many; there must be at most 50: AWS takes 50"),
        ({"k" * 129: "v"}, "has 129 characters; it must have 1 to 128"),
        ({"": "v"}, "has 0 characters; it must have 1 to 128"),
        ({"k": "v" * 257}, "the value of 'k' has 257 characters; it must have at most 256"),
        ({"aws:k": "v"}, "'aws:k' is reserved"),
        ({"AWS:k": "v"}, "'AWS:k' is reserved"),
        ({"datalab:verified": "v"}, "'datalab:verified' is reserved"),
        ({"Cost": "1", "cost": "2"}, "'Cost' and 'cost' differ in capitals only"),
        ({"Team": "1", "team": "2", "cost": "3"}, "'Team' and 'team' differ in capitals only"),
        ({"k": "a,b"}, "the value of 'k' is 'a,b'; it must consist of"),
        ({"k*": "v"}, "the key 'k*' is not allowed; it must consist of"),
    ],
)
def test_tags(tags: dict[str, str], expected: str | None) -> None:
    problems = list(tag_problems(tags))
    assert len(problems) == (1 if expected else 0)
    assert (expected or "") in "".join(problems)


# Scripts

HEAD = "#!/bin/bash\n"
RAW_LIMIT = 16384 // 4 * 3


def script_of(size: int) -> str:
    """A script of this many bytes that is only a comment."""
    return f"{HEAD}#".ljust(size - 1, "x") + "\n"


@pytest.mark.parametrize(
    "script",
    [
        HEAD,
        "#!/bin/bash\nset -eu\necho 'grüezi'\n",
        "#!/usr/bin/env python3\nif True: print('no shell')\n",
        script_of(RAW_LIMIT),
    ],
    ids=["empty", "small", "python", "as long as can be"],
)
def test_good_scripts(script: str) -> None:
    assert problems_of(script) == []


def test_script_without_interpreter() -> None:
    assert problems_of("echo hello\n") == ["the first line must name the interpreter, like #!/bin/bash"]


def test_script_with_windows_line_ends() -> None:
    (problem,) = problems_of("#!/bin/bash\r\necho hello\r\n")
    assert problem.startswith("it has Windows line ends (CR LF)")


def test_script_that_is_too_long() -> None:
    (problem,) = problems_of(script_of(RAW_LIMIT + 1))
    assert problem == "it has 16,388 characters in base64; AWS takes 16,384."


def test_length_is_counted_in_bytes() -> None:
    (problem,) = problems_of(HEAD + "#" + "ü" * 6200)
    assert problem.startswith("it has 16,552 characters")


def function_of(name: str, size: int) -> str:
    """A shell function of this many bytes."""
    return f"{name}() {{\n  : ".ljust(size - 2, "x") + "\n}"


def test_tells_what_is_large_in_a_script() -> None:
    sizes = {"a": 300, "efs": 3000, "c": 900, "conda": 6000, "e": 1200, "f": 600, "g": 1500}
    script = HEAD + "\n".join(function_of(name, size) for name, size in sizes.items()) + "\n"
    (problem,) = problems_of(script)
    assert problem.endswith("Largest: conda 8,000, efs 4,000, g 2,000, e 1,600, c 1,200, f 800")


def packed(program: str) -> str:
    """A script that contains a program, as those of the role notebook_host do."""
    carried = pack(program)
    return f"{HEAD}python3 -c '...' <<'PROGRAM'\n{carried}\nPROGRAM\n"


def test_tells_what_is_large_in_a_packed_script() -> None:
    random = "".join(f"  : {hashlib.sha256(str(n).encode()).hexdigest()}\n" for n in range(400))
    (problem,) = problems_of(packed(f"step_small() {{\n  :\n}}\nstep_large() {{\n{random}}}\n"))
    assert re.search(r"Largest: step_large 3\d,\d\d\d, step_small \d\d$", problem)


def test_a_packed_script_with_a_syntax_error() -> None:
    assert problems_of(packed("echo yes\n")) == []
    (problem,) = problems_of(packed("if true; then\n  echo yes\n"))
    assert "syntax error" in problem


def test_a_script_that_only_looks_packed_is_checked_as_it_is() -> None:
    assert problems_of(f"{HEAD}cat <<'PROGRAM'\nno base85: \"\nPROGRAM\n") == []


@pytest.mark.parametrize("interpreter", ["#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash", "#!/bin/bash -e"])
def test_script_with_a_syntax_error(interpreter: str) -> None:
    (problem,) = problems_of(f"{interpreter}\nif true; then\n  echo yes\n")
    assert problem.startswith("bash -n says: ")
    assert "syntax error" in problem


def test_a_controller_without_bash_does_not_look_for_syntax_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    assert problems_of("#!/bin/bash\nif\n") == []
