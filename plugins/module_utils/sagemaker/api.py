# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""One function per API call: a retry, an error handler, one call. No logic lives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..common.calls import PAGES, retry
from ..common.errors import NotebookErrorHandler

if TYPE_CHECKING:
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sagemaker import SageMakerClient

handler = NotebookErrorHandler


# Notebook instances


@handler.list_error_handler("describe the notebook instance", None)
@retry
def describe_notebook_instance(client: SageMakerClient, name: str) -> Mapping[str, Any] | None:
    """The instance as DescribeNotebookInstance returns it, or None if there is none."""
    return client.describe_notebook_instance(NotebookInstanceName=name)


@handler.common_error_handler("list the notebook instances")
@retry
def list_notebook_instances(client: SageMakerClient, **filters: Any) -> list[Mapping[str, Any]]:
    """The summaries that ListNotebookInstances returns, of all pages."""
    pages = client.get_paginator("list_notebook_instances").paginate(PaginationConfig=PAGES, **filters)
    return [summary for page in pages for summary in page["NotebookInstances"]]


@handler.common_error_handler("create the notebook instance")
@retry
def create_notebook_instance(client: SageMakerClient, name: str, params: dict[str, Any]) -> None:
    """Calls CreateNotebookInstance."""
    client.create_notebook_instance(NotebookInstanceName=name, **params)


@handler.common_error_handler("update the notebook instance")
@retry
def update_notebook_instance(client: SageMakerClient, name: str, params: dict[str, Any]) -> None:
    """Calls UpdateNotebookInstance; the instance has to be Stopped or Failed."""
    client.update_notebook_instance(NotebookInstanceName=name, **params)


@handler.common_error_handler("start the notebook instance")
@retry
def start_notebook_instance(client: SageMakerClient, name: str) -> None:
    """Calls StartNotebookInstance; the instance has to be Stopped or Failed."""
    client.start_notebook_instance(NotebookInstanceName=name)


@handler.common_error_handler("stop the notebook instance")
@retry
def stop_notebook_instance(client: SageMakerClient, name: str) -> None:
    """Calls StopNotebookInstance; the instance has to be InService."""
    client.stop_notebook_instance(NotebookInstanceName=name)


@handler.common_error_handler("create a presigned URL of the notebook instance")
@retry
def create_presigned_notebook_instance_url(client: SageMakerClient, name: str, seconds: int) -> str:
    """The URL that CreatePresignedNotebookInstanceUrl returns, good for five minutes. It is a secret."""
    answer = client.create_presigned_notebook_instance_url(
        NotebookInstanceName=name, SessionExpirationDurationInSeconds=seconds
    )
    return answer["AuthorizedUrl"]


@handler.deletion_error_handler("delete the notebook instance")
@retry
def delete_notebook_instance(client: SageMakerClient, name: str) -> None:
    """Calls DeleteNotebookInstance; the instance has to be Stopped or Failed. AWS deletes its volume, too."""
    client.delete_notebook_instance(NotebookInstanceName=name)


# Lifecycle configurations


@handler.list_error_handler("describe the lifecycle configuration", None)
@retry
def describe_lifecycle_config(client: SageMakerClient, name: str) -> Mapping[str, Any] | None:
    """The configuration as DescribeNotebookInstanceLifecycleConfig returns it (base64), or None."""
    return client.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)


@handler.common_error_handler("list the lifecycle configurations")
@retry
def list_lifecycle_configs(client: SageMakerClient, **filters: Any) -> list[Mapping[str, Any]]:
    """The summaries that ListNotebookInstanceLifecycleConfigs returns, of all pages; without the scripts."""
    pages = client.get_paginator("list_notebook_instance_lifecycle_configs").paginate(PaginationConfig=PAGES, **filters)
    return [summary for page in pages for summary in page["NotebookInstanceLifecycleConfigs"]]


@handler.common_error_handler("create the lifecycle configuration")
@retry
def create_lifecycle_config(client: SageMakerClient, name: str, params: dict[str, Any]) -> None:
    """Calls CreateNotebookInstanceLifecycleConfig."""
    client.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name, **params)


@handler.common_error_handler("update the lifecycle configuration")
@retry
def update_lifecycle_config(client: SageMakerClient, name: str, params: dict[str, Any]) -> None:
    """Calls UpdateNotebookInstanceLifecycleConfig; running instances see it at their next start."""
    client.update_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name, **params)


@handler.deletion_error_handler("delete the lifecycle configuration")
@retry
def delete_lifecycle_config(client: SageMakerClient, name: str) -> None:
    """Calls DeleteNotebookInstanceLifecycleConfig."""
    client.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)


# Code repositories


@handler.list_error_handler("describe the code repository", None)
@retry
def describe_code_repository(client: SageMakerClient, name: str) -> Mapping[str, Any] | None:
    """The repository as DescribeCodeRepository returns it, or None if there is none."""
    return client.describe_code_repository(CodeRepositoryName=name)


@handler.common_error_handler("list the code repositories")
@retry
def list_code_repositories(client: SageMakerClient, **filters: Any) -> list[Mapping[str, Any]]:
    """The repositories that ListCodeRepositories returns, of all pages; each as Describe returns it."""
    pages = client.get_paginator("list_code_repositories").paginate(PaginationConfig=PAGES, **filters)
    return [summary for page in pages for summary in page["CodeRepositorySummaryList"]]


@handler.common_error_handler("create the code repository")
@retry
def create_code_repository(client: SageMakerClient, name: str, params: dict[str, Any]) -> None:
    """Calls CreateCodeRepository."""
    client.create_code_repository(CodeRepositoryName=name, **params)


@handler.common_error_handler("update the code repository")
@retry
def update_code_repository(client: SageMakerClient, name: str, secret_arn: str) -> None:
    """Calls UpdateCodeRepository, which can change the secret and nothing else."""
    client.update_code_repository(CodeRepositoryName=name, GitConfig={"SecretArn": secret_arn})


@handler.deletion_error_handler("delete the code repository")
@retry
def delete_code_repository(client: SageMakerClient, name: str) -> None:
    """Calls DeleteCodeRepository; the Git repository itself stays."""
    client.delete_code_repository(CodeRepositoryName=name)


# Tags


@handler.common_error_handler("list the tags")
@retry
def list_tags(client: SageMakerClient, arn: str) -> dict[str, str]:
    """The tags of one resource, from ListTags."""
    return _all_tags(client, arn)


@handler.list_error_handler("list the tags", None)
@retry
def find_tags(client: SageMakerClient, arn: str) -> dict[str, str] | None:
    """The same, or None if the resource is gone."""
    return _all_tags(client, arn)


def _all_tags(client: SageMakerClient, arn: str) -> dict[str, str]:
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    tags: dict[str, str] = boto3_tag_list_to_ansible_dict([tag for page in pages for tag in page["Tags"]])
    return tags


@handler.common_error_handler("add tags")
@retry
def add_tags(client: SageMakerClient, arn: str, tags: dict[str, str]) -> None:
    """Calls AddTags, which overwrites the values of existing keys."""
    client.add_tags(ResourceArn=arn, Tags=ansible_dict_to_boto3_tag_list(tags))


@handler.common_error_handler("delete tags")
@retry
def delete_tags(client: SageMakerClient, arn: str, keys: list[str]) -> None:
    """Calls DeleteTags."""
    client.delete_tags(ResourceArn=arn, TagKeys=keys)


@handler.common_error_handler("get the tags of the notebook instances")
@retry
def get_notebook_instance_tags(client: ResourceGroupsTaggingAPIClient, **filters: Any) -> dict[str, dict[str, str]]:
    """The tags of all instances that have some, by ARN, from GetResources, 100 a page; some seconds behind ListTags."""
    paginator = client.get_paginator("get_resources")
    kind = ["sagemaker:notebook-instance"]
    pages = paginator.paginate(ResourceTypeFilters=kind, PaginationConfig=PAGES, **filters)
    return {
        resource["ResourceARN"]: boto3_tag_list_to_ansible_dict(resource["Tags"])
        for page in pages
        for resource in page["ResourceTagMappingList"]
    }
