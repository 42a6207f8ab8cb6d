# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code repositories: what has to change, what AWS cannot change, and the calls."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import InputError, NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.code_repository import (
    DesiredRepository,
    apply_repository,
    assert_possible,
    assert_unused,
    desired_repository,
    plan_repository,
    read_repository,
    repository_problems,
    secrets_in,
    with_tags,
)
from ansible_collections.datalab.notebooks.tests.unit.module_utils.builders import summary

if TYPE_CHECKING:
    from botocore.model import ServiceModel

    from ansible_collections.datalab.notebooks.tests.unit.module_utils.conftest import Script

NAME = "models"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:code-repository/models"
URL = "https://git.acme.example/research/models"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:git-AbCdEf"
OTHER = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:other-AbCdEf"
TAGS = {"team": "research"}
NAMED = {"CodeRepositoryName": NAME}
TIME = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def answer(**git: str) -> dict[str, Any]:
    """DescribeCodeRepository's answer."""
    times = {"CreationTime": TIME, "LastModifiedTime": TIME}
    return {**NAMED, "CodeRepositoryArn": ARN, **times, "GitConfig": {"RepositoryUrl": URL, **git}}


def current(**more: Any) -> dict[str, Any]:
    """A repository as read_repository() returns it."""
    return {
        "code_repository_name": NAME,
        "code_repository_arn": ARN,
        "creation_time": "2026-03-01T08:30:00+00:00",
        "last_modified_time": "2026-03-01T08:30:00+00:00",
        "repository_url": URL,
        "branch": None,
        "secret_arn": None,
        "tags": {},
        **more,
    }


def want(tags: dict[str, str] | None = None, purge_tags: bool = True, **git: Any) -> DesiredRepository:
    return DesiredRepository(NAME, git, tags, purge_tags)


def options(**given: Any) -> dict[str, Any]:
    """Module parameters; what is not given is None."""
    nothing = dict.fromkeys(("repository_url", "branch", "secret_arn", "tags"))
    return {"name": NAME, "purge_tags": True, **nothing, **given}


# Reading


def test_reads_the_configuration_and_tags(sagemaker: Script) -> None:
    sagemaker.call("describe_code_repository", NAMED, answer(Branch="main", SecretArn=SECRET))
    sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": [{"Key": "Team Name", "Value": "research"}]})
    expected = current(branch="main", secret_arn=SECRET, tags={"Team Name": "research"})
    assert read_repository(sagemaker.client, NAME) == expected


def test_reads_what_is_not_there(sagemaker: Script) -> None:
    sagemaker.refuse("describe_code_repository", NAMED, "ValidationException", f"Cannot find CodeRepository: {ARN}")
    assert read_repository(sagemaker.client, NAME) is None


def test_reads_all_pages(sagemaker: Script) -> None:
    params = {"NameContains": "mod", "MaxResults": 100}
    first = {"CodeRepositorySummaryList": [answer()], "NextToken": "more"}
    sagemaker.call("list_code_repositories", params, first)
    sagemaker.call("list_code_repositories", {**params, "NextToken": "more"}, {"CodeRepositorySummaryList": []})
    sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": []})
    listed = api.list_code_repositories(sagemaker.client, NameContains="mod")
    assert [with_tags(sagemaker.client, each) for each in listed] == [current()]


# Desired settings


def test_only_what_is_given_is_wanted() -> None:
    assert desired_repository(options()) == DesiredRepository(NAME)
    given = options(repository_url=URL, branch="", tags={"cost": 42}, purge_tags=False)
    expected = DesiredRepository(NAME, {"repository_url": URL, "branch": None}, {"cost": "42"}, purge_tags=False)
    assert desired_repository(given) == expected


# Planning


@dataclass(frozen=True)
class Case:
    """The current and the desired repository, and the expected plan."""

    name: str
    desired: DesiredRepository
    current: dict[str, Any]
    git: dict[str, Any] = field(default_factory=dict)
    set_tags: dict[str, str] = field(default_factory=dict)
    delete_tags: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)  # after the plan


CASES = [
    Case("nothing given", want(), current(branch="main", tags=TAGS), tags=TAGS),
    Case("all as given", want(repository_url=URL, branch="main", secret_arn=SECRET),
         current(branch="main", secret_arn=SECRET)),
    Case("no branch and none there", want(branch=None), current()),
    Case("another secret", want(secret_arn=OTHER), current(secret_arn=SECRET), {"secret_arn": OTHER}),
    Case("first secret", want(secret_arn=SECRET), current(), {"secret_arn": SECRET}),
    Case("missing tag", want(tags=TAGS), current(), set_tags=TAGS, tags=TAGS),
    Case("another value", want(tags=TAGS), current(tags={"team": "x"}), set_tags=TAGS, tags=TAGS),
    Case("purged tag", want(tags={}), current(tags=TAGS), delete_tags=["team"]),
    Case("tag not purged", want(tags={}, purge_tags=False), current(tags=TAGS), tags=TAGS),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plans_a_change(sagemaker: Script, case: Case) -> None:
    made = plan_repository(case.desired, case.current)
    assert_possible(sagemaker.client, made)  # makes no call
    assert (made.git, made.set_tags, made.delete_tags) == (case.git, case.set_tags, case.delete_tags)
    assert made.before == case.current
    assert made.after == {**case.current, **case.git, "tags": case.tags}
    assert made.changed == (made.after != made.before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_left_to_do(case: Case) -> None:
    assert not plan_repository(case.desired, plan_repository(case.desired, case.current).after).changed


def test_plans_a_creation(sagemaker: Script) -> None:
    made = plan_repository(want(tags=TAGS, repository_url=URL), None)
    assert_possible(sagemaker.client, made)
    assert made.changed
    assert made.before is None
    git = {"repository_url": URL, "branch": None, "secret_arn": None}
    assert made.after == {"code_repository_name": NAME, **git, "tags": TAGS}


# Changes that AWS cannot make


def uses(sagemaker: Script, default: list[dict[str, Any]], additional: list[dict[str, Any]]) -> None:
    params = {"MaxResults": 100, "DefaultCodeRepositoryContains": NAME}
    sagemaker.call("list_notebook_instances", params, {"NotebookInstances": default})
    params = {"MaxResults": 100, "AdditionalCodeRepositoryEquals": NAME}
    sagemaker.call("list_notebook_instances", params, {"NotebookInstances": additional})


def refusal(sagemaker: Script, desired: DesiredRepository, has: dict[str, Any] | None) -> list[str]:
    with pytest.raises(InputError) as caught:
        assert_possible(sagemaker.client, plan_repository(desired, has))
    return caught.value.problems


@pytest.mark.parametrize("git", [{}, {"repository_url": None}, {"branch": "main"}])
def test_a_creation_needs_a_url(sagemaker: Script, git: dict[str, Any]) -> None:
    problem = "code repository models: repository_url is missing; set it to create the repository"
    assert refusal(sagemaker, want(**git), None) == [problem]


@pytest.mark.parametrize(
    ("git", "change"),
    [
        ({"repository_url": URL + "2"}, f"repository_url cannot change from {URL} to {URL}2"),
        ({"branch": "dev"}, "branch cannot change from main to dev"),
        ({"branch": None}, "branch cannot change from main to none"),
        ({"secret_arn": None}, f"secret_arn cannot change from {SECRET} to none"),
    ],
)
def test_only_the_secret_can_be_replaced(sagemaker: Script, git: dict[str, Any], change: str) -> None:
    uses(sagemaker, [], [])
    remedy = "AWS only replaces the secret; remove it with state: absent, then create it again"
    has = current(branch="main", secret_arn=SECRET)
    assert refusal(sagemaker, want(**git), has) == [f"code repository models: {change}: {remedy}"]


def test_all_that_cannot_change_is_told_with_who_uses_it(sagemaker: Script) -> None:
    uses(sagemaker, [summary("bob", DefaultCodeRepository=NAME)], [summary("alice")])
    problems = refusal(sagemaker, want(repository_url="https://x.example/y", branch="dev"), current())
    assert [problem.split(": ")[1].split()[0] for problem in problems] == ["repository_url", "branch"]
    assert all("; assign another to alice, bob, who use it, and remove it with" in problem for problem in problems)


# Applying


def apply(sagemaker: Script, desired: DesiredRepository, has: dict[str, Any] | None) -> None:
    apply_repository(sagemaker.client, plan_repository(desired, has))


def test_creates_with_one_call(sagemaker: Script) -> None:
    git = {"RepositoryUrl": URL, "Branch": "main", "SecretArn": SECRET}
    tags = [{"Key": "team", "Value": "research"}]
    sagemaker.call("create_code_repository", {**NAMED, "GitConfig": git, "Tags": tags}, {"CodeRepositoryArn": ARN})
    apply(sagemaker, want(tags=TAGS, repository_url=URL, branch="main", secret_arn=SECRET), None)


def test_creates_one_of_a_url_alone(sagemaker: Script) -> None:
    params = {**NAMED, "GitConfig": {"RepositoryUrl": URL}}
    sagemaker.call("create_code_repository", params, {"CodeRepositoryArn": ARN})
    apply(sagemaker, want(repository_url=URL, branch=None), None)


@pytest.mark.parametrize("branch", ["main", "other"])
def test_adopts_only_what_is_as_it_was_to_be_made(sagemaker: Script, branch: str) -> None:
    params = {**NAMED, "GitConfig": {"RepositoryUrl": URL, "Branch": "main"}}
    sagemaker.refuse("create_code_repository", params, "ValidationException", "it already exists")
    sagemaker.call("describe_code_repository", NAMED, answer(Branch=branch))
    sagemaker.call("list_tags", {"ResourceArn": ARN}, {"Tags": []})
    adopted = nullcontext() if branch == "main" else pytest.raises(NotebookError, match="it already exists")
    with adopted:
        apply(sagemaker, want(repository_url=URL, branch="main"), None)


def test_changes_the_secret_and_tags(sagemaker: Script) -> None:
    params = {**NAMED, "GitConfig": {"SecretArn": OTHER}}
    sagemaker.call("update_code_repository", params, {"CodeRepositoryArn": ARN})
    sagemaker.call("add_tags", {"ResourceArn": ARN, "Tags": [{"Key": "team", "Value": "research"}]}, {"Tags": []})
    sagemaker.call("delete_tags", {"ResourceArn": ARN, "TagKeys": ["x"]})
    apply(sagemaker, want(tags=TAGS, secret_arn=OTHER), current(secret_arn=SECRET, tags={"x": "1"}))


def test_changes_tags_alone(sagemaker: Script) -> None:
    sagemaker.call("delete_tags", {"ResourceArn": ARN, "TagKeys": ["team"]})
    apply(sagemaker, want(tags={}, repository_url=URL), current(tags=TAGS))


def test_no_change_makes_no_call(sagemaker: Script) -> None:
    apply(sagemaker, want(repository_url=URL), current())


@pytest.mark.parametrize("there", [True, False])
def test_deletes(sagemaker: Script, there: bool) -> None:
    if there:
        sagemaker.call("delete_code_repository", NAMED)
    else:
        missing = f"Cannot find CodeRepository: {ARN}"
        sagemaker.refuse("delete_code_repository", NAMED, "ValidationException", missing)
    api.delete_code_repository(sagemaker.client, NAME)


# Instances that use a repository


def test_a_longer_name_is_another_repository(sagemaker: Script) -> None:
    uses(sagemaker, [summary(DefaultCodeRepository="models-2"), summary(DefaultCodeRepository=URL)], [])
    assert_unused(sagemaker.client, NAME)


def test_a_repository_that_is_used(sagemaker: Script) -> None:
    carol = summary("carol", DefaultCodeRepository=NAME)
    uses(sagemaker, [carol, summary("alice", DefaultCodeRepository=NAME)], [carol, summary("bob")])
    with pytest.raises(InputError) as caught:
        assert_unused(sagemaker.client, NAME)
    text = "code repository models is used by alice, bob, carol; assign another to them first, or set force: true"
    assert caught.value.problems == [text]


# Problems


@pytest.mark.parametrize(
    "git",
    [
        {},
        {"repository_url": URL, "branch": "feature/x", "secret_arn": SECRET},
        {"repository_url": "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/models", "branch": None},
        {"repository_url": "https://git.acme.example/a@b"},
        {"secret_arn": SECRET.replace("aws", "aws-us-gov")},
    ],
)
def test_good_repositories(service_model: ServiceModel, git: dict[str, Any]) -> None:
    desired = want(tags=TAGS, **git)
    assert repository_problems(service_model, desired) == []
    assert secrets_in(desired) == []


IN_URL = "repository_url: it has a name or password in it; put them into AWS Secrets Manager and give the secret as"
NO_ARN = "secret_arn: it is not the ARN of a secret; put name and password into AWS Secrets Manager and give the"


@pytest.mark.parametrize(
    ("git", "problem", "secrets"),
    [
        ({"repository_url": "https://alice:hunter2@git.example/x"}, IN_URL, ["alice:hunter2", "hunter2"]),
        ({"repository_url": "https://ghp_token@git.example/x"}, IN_URL, ["ghp_token"]),
        ({"repository_url": "http://a:b@c:d@git.example/x"}, IN_URL, ["a:b@c:d", "b@c:d"]),
        ({"repository_url": "http://git.example/x"}, "repository_url: 'http://git.example/x' is not allowed", []),
        ({"repository_url": "git@git.example:x"}, "repository_url: 'git@git.example:x' is not allowed", []),
        ({"branch": "a b"}, "branch: 'a b' is not allowed by AWS", []),
        ({"secret_arn": "hunter2"}, NO_ARN, ["hunter2"]),
        ({"secret_arn": "arn:aws:iam::123456789012:role/x"}, NO_ARN, ["arn:aws:iam::123456789012:role/x"]),
    ],
)
def test_bad_repositories(service_model: ServiceModel, git: dict[str, Any], problem: str, secrets: list[str]) -> None:
    desired = want(**git)
    (found,) = repository_problems(service_model, desired)
    assert found.startswith(f"code repository models: {problem}")
    assert secrets_in(desired) == secrets
    assert not any(secret in found for secret in secrets)


def test_tells_every_problem(service_model: ServiceModel) -> None:
    desired = DesiredRepository("a_b", {"branch": "a~b", "secret_arn": "x"}, {"aws:a": "1"})
    problems = repository_problems(service_model, desired)
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["code repository a_b", about] for about in ("name", "branch", "secret_arn", "tags")
    ]
