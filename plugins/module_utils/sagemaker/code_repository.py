# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Code repositories: Git repositories that notebook instances name, with a secret to reach them by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    compare_aws_tags,
)

from ..common.amazon import boto3_resource_to_ansible_dict
from ..common.errors import InputError, NotebookError, some_of
from ..common.resource import Resource, State
from ..common.service_model import member_problems, tag_problems
from . import api

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_sagemaker import SageMakerClient

GIT = {"repository_url": "RepositoryUrl", "branch": "Branch", "secret_arn": "SecretArn"}
FIXED = ("repository_url", "branch")  # AWS sets them at creation only
CREDENTIALS = re.compile(r"^\s*\w+://([^/]+)@")
SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]*:[0-9]{12}:secret:.+")


@dataclass(frozen=True)
class DesiredRepository:
    """A wanted repository. What `git` does not have is left as it is; None is nothing."""

    name: str
    git: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class RepositoryPlan:
    """The plan of one repository."""

    before: dict[str, Any] | None
    after: dict[str, Any]
    git: dict[str, str | None] = field(default_factory=dict)  # what changes
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether a call has to be made."""
        return self.before is None or bool(self.git or self.set_tags or self.delete_tags)


def desired_repository(options: dict[str, Any]) -> DesiredRepository:
    """Module parameters as DesiredRepository."""
    tags = options["tags"]
    return DesiredRepository(
        name=options["name"],
        git={option: options[option] or None for option in GIT if options[option] is not None},
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
    )


def secrets_in(desired: DesiredRepository) -> list[str]:
    """Secrets that were given instead of an ARN, or in the URL, and must not be shown."""
    credentials = CREDENTIALS.match(desired.git.get("repository_url") or "")
    secret = desired.git.get("secret_arn") or ""
    found = [credentials[1], credentials[1].partition(":")[2]] if credentials else []
    return [text for text in (*found, "" if SECRET_ARN.fullmatch(secret) else secret) if text]


def repository_problems(model: ServiceModel, desired: DesiredRepository) -> list[str]:
    """One sentence for each mistake in a wanted repository."""
    path = "CreateCodeRepository.CodeRepositoryName"
    problems = [f"name: {text}" for text in member_problems(model, path, desired.name)]
    for option, value in desired.git.items():
        if value is not None:
            problems += [f"{option}: {text}" for text in _git_problems(model, option, value)]
    problems += [f"tags: {text}" for text in tag_problems(desired.tags or {})]
    return [f"code repository {desired.name}: {problem}" for problem in problems]


def _git_problems(model: ServiceModel, option: str, value: str) -> Iterator[str]:
    # Neither message repeats what may be a password.
    if option == "repository_url" and CREDENTIALS.match(value):
        yield "it has a name or password in it; put them into AWS Secrets Manager and give the secret as secret_arn"
    elif option == "secret_arn" and not SECRET_ARN.fullmatch(value):
        yield "it is not the ARN of a secret; put name and password into AWS Secrets Manager and give the secret's ARN"
    else:
        yield from member_problems(model, f"CreateCodeRepository.GitConfig.{GIT[option]}", value)


def read_repository(client: SageMakerClient, name: str) -> dict[str, Any] | None:
    """The repository in the terms of our options, with its tags; None if there is none."""
    answer = api.describe_code_repository(client, name)
    return None if answer is None else with_tags(client, answer)


def with_tags(client: SageMakerClient, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A repository as Describe or List returns it, in the terms of our options, with its tags."""
    known = {key: value for key, value in answer.items() if key not in ("ResponseMetadata", "GitConfig")}
    git = {option: answer.get("GitConfig", {}).get(key) for option, key in GIT.items()}
    return {
        **boto3_resource_to_ansible_dict(known),
        **git,
        "tags": api.list_tags(client, answer["CodeRepositoryArn"]),
    }


def plan_repository(desired: DesiredRepository, current: dict[str, Any] | None) -> RepositoryPlan:
    """The plan from `current`, the result of `read_repository`, to `desired`."""
    has = current or {"code_repository_name": desired.name, **dict.fromkeys(GIT), "tags": {}}
    git = {option: value for option, value in desired.git.items() if value != has[option]}
    tags = has["tags"]
    to_set, to_delete = compare_aws_tags(tags, desired.tags or {}, desired.purge_tags and desired.tags is not None)
    after = {
        **has,
        **git,
        "tags": {key: value for key, value in {**tags, **to_set}.items() if key not in to_delete},
    }
    return RepositoryPlan(current, after, git, to_set, to_delete)


def assert_possible(client: SageMakerClient, plan: RepositoryPlan) -> None:
    """Raises InputError if AWS has no call for the plan."""
    about = f"code repository {plan.after['code_repository_name']}"
    if plan.before is None:
        if not plan.after["repository_url"]:
            raise InputError([f"{about}: repository_url is missing; set it to create the repository"])
        return
    impossible = [option for option in GIT if option in plan.git and (option in FIXED or plan.git[option] is None)]
    if impossible:
        users = users_of_repository(client, plan.before["code_repository_name"])
        first = f"assign another to {some_of(users)}, who use it, and remove it" if users else "remove it"
        remedy = f"AWS only replaces the secret; {first} with state: absent, then create it again"
        raise InputError([f"{about}: {_change(plan, option)}: {remedy}" for option in impossible])


def _change(plan: RepositoryPlan, option: str) -> str:
    old, new = (plan.before or {}).get(option), plan.git[option]
    return f"{option} cannot change from {old or 'none'} to {new or 'none'}"


def apply_repository(client: SageMakerClient, plan: RepositoryPlan) -> None:
    """Makes the calls that the plan asks for."""
    name = plan.after["code_repository_name"]
    if plan.before is None:
        config = {key: plan.git[option] for option, key in GIT.items() if plan.git.get(option)}
        tags = {"Tags": ansible_dict_to_boto3_tag_list(plan.set_tags)} if plan.set_tags else {}
        try:
            api.create_code_repository(client, name, {"GitConfig": config, **tags})
        except NotebookError:  # an answer was lost, or another run has created the same
            made = read_repository(client, name)
            if made is None or any(made[key] != plan.after[key] for key in (*GIT, "tags")):
                raise
        return
    secret_arn = plan.git.get("secret_arn")
    if secret_arn:
        api.update_code_repository(client, name, secret_arn)
    arn = plan.before["code_repository_arn"]
    if plan.set_tags:
        api.add_tags(client, arn, plan.set_tags)
    if plan.delete_tags:
        api.delete_tags(client, arn, plan.delete_tags)


def users_of_repository(client: SageMakerClient, name: str) -> list[str]:
    """The names of the instances that use a repository, as their default one or besides."""
    default = api.list_notebook_instances(client, DefaultCodeRepositoryContains=name)
    additional = api.list_notebook_instances(client, AdditionalCodeRepositoryEquals=name)
    exactly = [summary for summary in default if summary.get("DefaultCodeRepository") == name]
    return sorted({summary["NotebookInstanceName"] for summary in [*exactly, *additional]})


def assert_unused(client: SageMakerClient, name: str) -> None:
    """Raises InputError, naming them, when instances use the repository."""
    users = users_of_repository(client, name)
    if users:
        text = f"{name} is used by {some_of(users)}; assign another to them first, or set force: true"
        raise InputError([f"code repository {text}"])


@dataclass
class CodeRepository(Resource[RepositoryPlan]):
    """The code repository of the module sagemaker_code_repository."""

    client: SageMakerClient
    desired: DesiredRepository

    key = "code_repository"

    def problems(self) -> list[str]:
        return repository_problems(self.client.meta.service_model, self.desired)

    def read(self) -> State | None:
        return read_repository(self.client, self.desired.name)

    def plan(self, current: State | None) -> RepositoryPlan:
        made = plan_repository(self.desired, current)
        assert_possible(self.client, made)
        return made

    def apply(self, plan: RepositoryPlan) -> None:
        apply_repository(self.client, plan)

    def assert_deletable(self, current: State) -> None:
        assert_unused(self.client, self.desired.name)

    def delete(self, current: State) -> None:
        api.delete_code_repository(self.client, self.desired.name)
