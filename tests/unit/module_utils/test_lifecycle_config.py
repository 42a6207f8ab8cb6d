# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lifecycle configurations: what has to change, and the calls that change it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.lifecycle_config import (
    ConfigPlan,
    DesiredConfig,
    apply_config,
    apply_configs,
    assert_unused,
    config_diff,
    config_problems,
    desired_config,
    plan_config,
    read_config,
)
from ansible_collections.datalab.notebooks.plugins.plugin_utils.scripts.pack import pack
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import run_command, summary

if TYPE_CHECKING:
    from botocore.model import ServiceModel

    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

NAME = "datalab"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance-lifecycle-config/datalab"
OLD, NEW = "#!/bin/bash\necho old\n", "#!/bin/bash\necho 'grüezi'\n"
TAGS = {"team": "research"}
NAMED = {"NotebookInstanceLifecycleConfigName": NAME}


def hook(script: str) -> list[dict[str, str]]:
    """Return a script in the form of the API."""
    return [{"Content": base64.b64encode(script.encode()).decode()}]


def answer(**hooks: Any) -> dict[str, Any]:
    """DescribeNotebookInstanceLifecycleConfig's answer."""
    return {"NotebookInstanceLifecycleConfigArn": ARN, **NAMED, **hooks}


def current(on_create: str | None = None, on_start: str | None = None, **more: Any) -> dict[str, Any]:
    """A configuration as read_config() returns it."""
    return {
        "notebook_instance_lifecycle_config_arn": ARN,
        "notebook_instance_lifecycle_config_name": NAME,
        "on_create": on_create,
        "on_start": on_start,
        "tags": {},
        **more,
    }


def want(on_create: str | None = None, on_start: str | None = None, **more: Any) -> DesiredConfig:
    return DesiredConfig(NAME, on_create, on_start, **more)


# Reading


def test_reads_text_and_tags(sagemaker: Script) -> None:
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(OnCreate=[], OnStart=hook(NEW)))
    sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": [{"Key": "Team Name", "Value": "research"}]})
    assert read_config(sagemaker.client, NAME) == current(on_start=NEW, tags={"Team Name": "research"})


def test_reads_without_tags(sagemaker: Script) -> None:
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(OnCreate=hook(OLD)))
    config = read_config(sagemaker.client, NAME, with_tags=False)
    assert config == current(on_create=OLD)


def test_reads_what_is_not_there(sagemaker: Script) -> None:
    message = f"Unable to describe: Notebook Instance Lifecycle Config {NAME} does not exist"
    sagemaker.refuse("describe_notebook_instance_lifecycle_config", NAMED, "ValidationException", message)
    assert read_config(sagemaker.client, NAME) is None


def test_reads_scripts_that_are_no_text(sagemaker: Script) -> None:
    content = [{"Content": base64.b64encode(b"#!\xff").decode()}]
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(OnStart=content))
    config = read_config(sagemaker.client, NAME, with_tags=False)
    assert config is not None
    assert config["on_start"] == "#!\N{REPLACEMENT CHARACTER}"


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired configuration, and the expected plan."""

    name: str
    desired: DesiredConfig
    current: dict[str, Any] | None
    scripts: dict[str, Any] = field(default_factory=dict)
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    after: dict[str, Any] = field(default_factory=dict)  # as far as it differs from current


CASES = [
    Case("nothing given", want(), current(OLD, OLD, tags=TAGS)),
    Case("all as given", want(OLD, NEW, tags=TAGS), current(OLD, NEW, tags=TAGS)),
    Case("no script and none there", want("", ""), current()),
    Case(
        "another script sends both",
        want(on_start=NEW),
        current(OLD, OLD),
        {"OnCreate": hook(OLD), "OnStart": hook(NEW)},
        after={"on_start": NEW},
    ),
    Case(
        "one more script sends both",
        want(on_create=NEW),
        current(on_start=OLD),
        {"OnCreate": hook(NEW), "OnStart": hook(OLD)},
        after={"on_create": NEW},
    ),
    Case(
        "one script less sends both",
        want(on_create=""),
        current(OLD, OLD),
        {"OnCreate": [], "OnStart": hook(OLD)},
        after={"on_create": None},
    ),
    Case("a final line end counts", want(OLD.rstrip()), current(OLD), {"OnCreate": hook(OLD.rstrip()), "OnStart": []},
         after={"on_create": OLD.rstrip()}),
    Case("missing tag", want(tags=TAGS), current(), set_tags=TAGS, after={"tags": TAGS}),
    Case("another value", want(tags=TAGS), current(tags={"team": "x"}), set_tags=TAGS, after={"tags": TAGS}),
    Case("purged tag", want(tags={}), current(tags=TAGS), delete_tags=["team"], after={"tags": {}}),
    Case("tag not purged", want(tags={}, purge_tags=False), current(tags=TAGS)),
    Case("AWS's tag not purged", want(tags={}), current(tags={"aws:a": "1"})),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(case: Case) -> None:
    made = plan_config(case.desired, case.current)
    assert (made.scripts, made.set_tags, made.delete_tags) == (case.scripts, case.set_tags, case.delete_tags)
    assert made.before == case.current
    assert made.after == {**(case.current or {}), **case.after}
    assert made.changed == bool(case.after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_left_to_do(case: Case) -> None:
    assert not plan_config(case.desired, plan_config(case.desired, case.current).after).changed


def test_plans_a_creation() -> None:
    made = plan_config(want(on_start=NEW, tags=TAGS), None)
    assert made.changed
    assert made.before is None
    assert made.after == {
        "notebook_instance_lifecycle_config_name": NAME,
        "on_create": None,
        "on_start": NEW,
        "tags": TAGS,
    }


def test_plans_an_empty_creation() -> None:
    assert plan_config(want(), None).changed


# Applying


def apply(sagemaker: Script, desired: DesiredConfig, has: dict[str, Any] | None) -> None:
    apply_config(sagemaker.client, plan_config(desired, has))


def test_creates_with_one_call(sagemaker: Script) -> None:
    tags = [{"Key": "team", "Value": "research"}]
    sagemaker.call(
        "create_notebook_instance_lifecycle_config",
        {**NAMED, "OnStart": hook(NEW), "Tags": tags},
    )
    apply(sagemaker, want("", NEW, tags=TAGS), None)


def test_creates_an_empty_one(sagemaker: Script) -> None:
    sagemaker.call("create_notebook_instance_lifecycle_config", NAMED)
    apply(sagemaker, want(), None)


def test_one_that_is_refused_does_not_stop_the_others(sagemaker: Script) -> None:
    has = {"notebook_instance_lifecycle_config_arn": ARN, "on_create": None, "on_start": NEW}
    update = "update_notebook_instance_lifecycle_config"
    sagemaker.refuse(update, {**NAMED, "OnCreate": [], "OnStart": hook(OLD)}, "ResourceLimitExceeded", "no more")
    plans = [plan_config(want("", OLD), has), plan_config(want("", NEW), has)]
    errors = apply_configs(sagemaker.client, plans)
    assert list(errors) == [NAME]
    assert "no more" in str(errors[NAME])


def refuse_to_create(sagemaker: Script, found: dict[str, Any]) -> None:
    """Refuse a creation, as after a lost answer or a faster run; `found` is the existing configuration."""
    operation = "create_notebook_instance_lifecycle_config"
    sagemaker.refuse(operation, {**NAMED, "OnStart": hook(NEW)}, "ValidationException", "it already exists")
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, found)


def test_adopts_what_is_as_it_was_to_be_made(sagemaker: Script) -> None:
    refuse_to_create(sagemaker, answer(OnStart=hook(NEW)))
    apply(sagemaker, want("", NEW), None)


def test_does_not_adopt_another(sagemaker: Script) -> None:
    refuse_to_create(sagemaker, answer(OnStart=hook(OLD)))
    with pytest.raises(NotebookError, match="it already exists"):
        apply(sagemaker, want("", NEW), None)


def test_changes_scripts_and_tags(sagemaker: Script) -> None:
    hooks = {"OnCreate": hook(OLD), "OnStart": hook(NEW)}
    sagemaker.call("update_notebook_instance_lifecycle_config", {**NAMED, **hooks})
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(**hooks))
    sagemaker.call("add_tags", {"ResourceArn": ARN, "Tags": [{"Key": "team", "Value": "research"}]}, {"Tags": []})
    sagemaker.call("delete_tags", {"ResourceArn": ARN, "TagKeys": ["x"]})
    apply(sagemaker, want(on_start=NEW, tags=TAGS), current(OLD, OLD, tags={"x": "1"}))


def test_removes_one_script_by_sending_both(sagemaker: Script) -> None:
    sagemaker.call("update_notebook_instance_lifecycle_config", {**NAMED, "OnCreate": [], "OnStart": hook(OLD)})
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(OnCreate=[], OnStart=hook(OLD)))
    apply(sagemaker, want(on_create=""), current(NEW, OLD))


def test_changes_tags_alone(sagemaker: Script) -> None:
    sagemaker.call("delete_tags", {"ResourceArn": ARN, "TagKeys": ["team"]})
    apply(sagemaker, want(OLD, tags={}), current(OLD, tags=TAGS))


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ({"OnCreate": hook(OLD), "OnStart": hook(OLD)}, "on_create, on_start"),
        ({"OnStart": hook(OLD)}, "on_start"),
    ],
)
def test_an_update_that_does_not_take(sagemaker: Script, found: dict[str, Any], left: str) -> None:
    sagemaker.call("update_notebook_instance_lifecycle_config", {**NAMED, "OnCreate": [], "OnStart": hook(NEW)})
    sagemaker.call("describe_notebook_instance_lifecycle_config", NAMED, answer(**found))
    with pytest.raises(NotebookError) as caught:
        apply(sagemaker, want("", NEW, tags=TAGS), current(OLD, OLD))
    assert str(caught.value) == f"AWS accepted the update of {NAME} but still has the old {left}"


def test_no_change_makes_no_call(sagemaker: Script) -> None:
    apply(sagemaker, want(OLD), current(OLD))


# Instances that use a configuration


def uses(sagemaker: Script, *instances: dict[str, Any]) -> None:
    params = {"MaxResults": 100, "NotebookInstanceLifecycleConfigNameContains": NAME}
    sagemaker.call("list_notebook_instances", params, {"NotebookInstances": list(instances)})


def test_a_longer_name_is_another_configuration(sagemaker: Script) -> None:
    uses(sagemaker, summary(NotebookInstanceLifecycleConfigName="datalab-quant"), summary())
    assert_unused(sagemaker.client, NAME)


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "u0"), (5, "u0, u1, u2, u3, u4"), (6, "u0, u1, u2, u3, u4 and 1 more")],
)
def test_a_configuration_that_is_used(sagemaker: Script, count: int, told: str) -> None:
    uses(sagemaker, *(summary(f"u{n}", NotebookInstanceLifecycleConfigName=NAME) for n in range(count)))
    with pytest.raises(InputError) as caught:
        assert_unused(sagemaker.client, NAME)
    text = f"lifecycle configuration {NAME} is used by {told}; assign another to them first, or set force: true"
    assert caught.value.problems == [text]


# Problems and differences


def test_good_configuration(service_model: ServiceModel) -> None:
    assert config_problems(service_model, want(OLD, "", tags=TAGS), run_command) == []


def test_tells_every_problem(service_model: ServiceModel) -> None:
    desired = DesiredConfig("a_b", "echo\n", "#!/bin/bash\r\n", tags={"aws:a": "1"})
    problems = config_problems(service_model, desired, run_command)
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["lifecycle configuration a_b", about] for about in ("name", "on_create", "on_start", "tags")
    ]


def test_tags_that_are_numbers() -> None:
    options = {"name": NAME, "on_create": None, "on_start": None, "tags": {"cost": 42}}
    assert desired_config(options).tags == {"cost": "42"}


def test_diff() -> None:
    diff = config_diff(current(on_start=OLD, tags={"b": "2", "a": "1"}), current(OLD, NEW))
    assert diff["before"] == f"--- on_start\n{OLD}--- tag a=1\n--- tag b=2\n"
    assert diff["after"] == f"--- on_create\n{OLD}--- on_start\n{NEW}"


def test_diff_of_nothing() -> None:
    assert config_diff(None, None) == {"before": "", "after": ""}


def test_diff_of_what_was_read_without_tags() -> None:
    made: ConfigPlan = plan_config(
        want(on_start=NEW), {key: value for key, value in current().items() if key != "tags"}
    )
    assert config_diff(made.before, made.after) == {"before": "", "after": f"--- on_start\n{NEW}"}


def test_a_diff_shows_the_program_that_a_script_carries() -> None:
    program = "step_efs() {\n  true\n}\n"
    packed = pack(program)
    script = f"#!/bin/bash\nSTEPS=(efs)\n<<'PROGRAM'\n{packed}\nPROGRAM\nexit 0\n"
    shown = config_diff(None, {"on_create": None, "on_start": script})["after"]
    assert packed not in shown
    assert "STEPS=(efs)\n" in shown
    assert "\nstep_efs() {\n" in shown
