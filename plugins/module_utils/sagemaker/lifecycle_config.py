# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Lifecycle configurations: the two scripts that AWS runs as root on an instance, as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    compare_aws_tags,
)

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.calls import in_parallel
from ..common.errors import InputError, NotebookError, or_error, some_of
from ..common.resource import Resource, State
from ..common.service_model import tag_problems
from . import api
from .scripts import RunCommand, readable, script_problems
from .validation import name_problems

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_sagemaker import SageMakerClient

HOOKS = {"on_create": "OnCreate", "on_start": "OnStart"}


@dataclass(frozen=True)
class DesiredConfig:
    """A wanted configuration. A script that is None is left as it is; "" removes it."""

    name: str
    on_create: str | None = None
    on_start: str | None = None
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class ConfigPlan:
    """The plan of one configuration."""

    desired: DesiredConfig
    before: dict[str, Any] | None
    after: dict[str, Any]
    scripts: dict[str, Any] = field(default_factory=dict)  # parameters of Create or Update
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or bool(self.scripts or self.set_tags or self.delete_tags)


def desired_config(options: dict[str, Any]) -> DesiredConfig:
    """Module parameters, or one element of the fleet's `lifecycle_configs`, as DesiredConfig."""
    tags = options.get("tags")
    return DesiredConfig(
        name=options["name"],
        on_create=options["on_create"],
        on_start=options["on_start"],
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options.get("purge_tags", True),
    )


def config_problems(model: ServiceModel, desired: DesiredConfig, run_command: RunCommand) -> list[str]:
    """One sentence for each mistake in a wanted configuration."""
    problems = [f"name: {text}" for text in name_problems(model, desired.name)]
    for hook in HOOKS:
        script = getattr(desired, hook)
        problems += [f"{hook}: {text}" for text in script_problems(script, run_command)] if script else []
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {})]
    return [f"lifecycle configuration {desired.name}: {problem}" for problem in problems]


def read_config(client: SageMakerClient, name: str, with_tags: bool = True) -> dict[str, Any] | None:
    """The configuration in snake_case, its scripts as text and its tags as a dict; None if there is none."""
    answer = api.describe_lifecycle_config(client, name)
    if answer is None:
        return None
    known = {key: value for key, value in answer.items() if key not in ("ResponseMetadata", *HOOKS.values())}
    config = {**boto3_resource_to_ansible_dict(known), **{hook: _text(answer.get(key)) for hook, key in HOOKS.items()}}
    if with_tags:
        config["tags"] = api.list_tags(client, answer["NotebookInstanceLifecycleConfigArn"])
    return config


def read_config_or_error(client: SageMakerClient, name: str) -> dict[str, Any] | NotebookError | None:
    """The same without tags, or the error of AWS."""
    return or_error(lambda: read_config(client, name, with_tags=False))


def _text(hooks: list[dict[str, str]] | None) -> str | None:
    if not hooks or not hooks[0].get("Content"):
        return None
    return base64.b64decode(hooks[0]["Content"]).decode(errors="replace")


def _content(script: str | None) -> list[dict[str, str]]:
    return [{"Content": base64.b64encode(script.encode()).decode()}] if script else []


def plan_config(desired: DesiredConfig, current: dict[str, Any] | None) -> ConfigPlan:
    """The plan from `current`, the result of `read_config`, to `desired`."""
    has = {hook: current[hook] if current else None for hook in HOOKS}
    wants = {hook: has[hook] if getattr(desired, hook) is None else getattr(desired, hook) or None for hook in HOOKS}
    tags = (current or {}).get("tags", {})
    to_set, to_delete = compare_aws_tags(tags, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    # Both scripts are always sent: it is not documented what an update does to the other one.
    scripts = {key: _content(wants[hook]) for hook, key in HOOKS.items()} if wants != has else {}
    after = {
        "notebook_instance_lifecycle_config_name": desired.name,
        **(current or {}),
        **wants,
        "tags": {key: value for key, value in {**tags, **to_set}.items() if key not in to_delete},
    }
    return ConfigPlan(desired, current, after, scripts, to_set, to_delete)


def apply_config(client: SageMakerClient, plan: ConfigPlan) -> None:
    """Makes the calls that the plan asks for."""
    name = plan.desired.name
    if plan.before is None:
        tags = {"Tags": ansible_dict_to_boto3_tag_list(plan.set_tags)} if plan.set_tags else {}
        scripts = {key: value for key, value in plan.scripts.items() if value}
        try:
            api.create_lifecycle_config(client, name, {**scripts, **tags})
        except NotebookError:  # an answer was lost, or another run has created the same
            made = read_config(client, name, with_tags=bool(tags))
            if made is None or plan_config(plan.desired, made).changed:
                raise
        return
    if plan.scripts:
        api.update_lifecycle_config(client, name, plan.scripts)
        _assert_scripts(client, plan)
    arn = plan.before["notebook_instance_lifecycle_config_arn"]
    if plan.set_tags:
        api.add_tags(client, arn, plan.set_tags)
    if plan.delete_tags:
        api.delete_tags(client, arn, plan.delete_tags)


def apply_configs(client: SageMakerClient, plans: list[ConfigPlan]) -> dict[str, NotebookError]:
    """Carries the plans out; returns the errors by the configuration's name."""

    def error_of(plan: ConfigPlan) -> NotebookError | None:
        try:
            apply_config(client, plan)
        except NotebookError as error:
            return error
        return None

    changed = [plan for plan in plans if plan.changed]
    errors = in_parallel(error_of, changed)
    return {plan.desired.name: error for plan, error in zip(changed, errors, strict=True) if error}


def _assert_scripts(client: SageMakerClient, plan: ConfigPlan) -> None:
    answer = api.describe_lifecycle_config(client, plan.desired.name) or {}
    left = [hook for hook, key in HOOKS.items() if _text(answer.get(key)) != plan.after[hook]]
    if left:
        raise NotebookError(f"AWS accepted the update of {plan.desired.name} but still has the old {', '.join(left)}")


def users_of_config(client: SageMakerClient, name: str) -> list[str]:
    """The names of the instances that use a configuration."""
    summaries = api.list_notebook_instances(client, NotebookInstanceLifecycleConfigNameContains=name)
    key = "NotebookInstanceLifecycleConfigName"
    return [summary["NotebookInstanceName"] for summary in summaries if summary.get(key) == name]


def assert_unused(client: SageMakerClient, name: str) -> None:
    """Raises InputError, naming them, when instances use the configuration."""
    users = users_of_config(client, name)
    if users:
        text = f"{name} is used by {some_of(users)}; assign another to them first, or set force: true"
        raise InputError([f"lifecycle configuration {text}"])


def config_diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """Both scripts and the tags before and after, as the text that `--diff` shows."""
    return {"before": _as_text(before), "after": _as_text(after)}


def _as_text(config: dict[str, Any] | None) -> str:
    if config is None:
        return ""
    scripts = [f"--- {hook}\n{readable(config[hook]).rstrip()}\n" for hook in HOOKS if config[hook]]
    tags = [f"--- tag {key}={value}\n" for key, value in sorted(config.get("tags", {}).items())]
    return "".join(scripts + tags)


@dataclass
class LifecycleConfig(Resource[ConfigPlan]):
    """The configuration of the module sagemaker_notebook_lifecycle_config."""

    client: SageMakerClient
    desired: DesiredConfig
    run_command: RunCommand

    key = "lifecycle_config"

    def problems(self) -> list[str]:
        return config_problems(self.client.meta.service_model, self.desired, self.run_command)

    def read(self) -> State | None:
        return read_config(self.client, self.desired.name)

    def plan(self, current: State | None) -> ConfigPlan:
        return plan_config(self.desired, current)

    def apply(self, plan: ConfigPlan) -> None:
        apply_config(self.client, plan)

    def assert_deletable(self, current: State) -> None:
        assert_unused(self.client, self.desired.name)

    def delete(self, current: State) -> None:
        api.delete_lifecycle_config(self.client, self.desired.name)

    def diff(self, before: State | None, after: State | None) -> dict[str, Any]:
        return config_diff(before, after)
