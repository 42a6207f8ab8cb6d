# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operations on notebook instances, lifecycle configurations, code repositories and tags."""

from __future__ import annotations

import json
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from .backend import NotebookBackend
from .constraints import check_input, not_readable
from .listing import foreign_token
from .results import PlainResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.core.common_types import TYPE_RESPONSE
    from moto.core.request import Request

R = TypeVar("R", bound=SageMakerResponse)
_one_at_a_time = RLock()  # the server has threads, and moto's backends are not thread-safe


def operation(method: Callable[[R], ActionResult]) -> Callable[[R], ActionResult]:
    """Return the operation with a check of its input against the service model; only one runs at a time."""

    @wraps(method)
    def checked(self: R) -> ActionResult:
        check_input(self._get_action(), self.params)
        with _one_at_a_time:
            return method(self)

    return checked


class NotebookResponse(SageMakerResponse):
    """moto's SageMaker, with every notebook operation."""

    @property
    def sagemaker_backend(self) -> NotebookBackend:
        """The backend of this request's account and region."""
        backend = sagemaker_backends[self.current_account][self.region]
        assert isinstance(backend, NotebookBackend)
        return backend

    def _dispatch(self, request: Request, full_url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        action = request.headers.get("X-Amz-Target", "").split(".")[-1]
        known = action in get_service_model("sagemaker").operation_names
        if not (known and hasattr(self, camelcase_to_underscores(action))):
            return refusal("UnknownOperationException", f"The sandbox does not have the SageMaker operation {action}.")
        if reason := not_readable("sagemaker", action, request.data):
            return refusal("SerializationException", reason)
        return super()._dispatch(request, full_url, headers)

    # Notebook instances

    @operation
    def create_notebook_instance(self) -> ActionResult:
        """CreateNotebookInstance."""
        instance = self.sagemaker_backend.create_notebook_instance(**self._snake_case_params())
        return ActionResult({"NotebookInstanceArn": instance.arn})

    @operation
    def describe_notebook_instance(self) -> ActionResult:
        """DescribeNotebookInstance."""
        instance = self.sagemaker_backend.get_notebook_instance(self._get_param("NotebookInstanceName"))
        instance.advance()
        return ActionResult(instance.to_dict())

    @operation
    def list_notebook_instances(self) -> ActionResult:
        """ListNotebookInstances."""
        instances, token = self.sagemaker_backend.list_notebook_instances(self.params)
        result: dict[str, Any] = {"NotebookInstances": [instance.summary() for instance in instances]}
        return PlainResult(result | ({"NextToken": token} if token else {}))

    @operation
    def start_notebook_instance(self) -> ActionResult:
        """StartNotebookInstance."""
        return super().start_notebook_instance()

    @operation
    def stop_notebook_instance(self) -> ActionResult:
        """StopNotebookInstance."""
        return super().stop_notebook_instance()

    @operation
    def delete_notebook_instance(self) -> ActionResult:
        """DeleteNotebookInstance."""
        return super().delete_notebook_instance()

    @operation
    def update_notebook_instance(self) -> ActionResult:
        """UpdateNotebookInstance."""
        params = dict(self.params)
        name = params.pop("NotebookInstanceName")
        flags = [key for key in params if key.startswith("Disassociate")]
        cleared = [CLEARED_BY[flag] for flag in flags if params.pop(flag)]
        attributes = {xform_name(key): value for key, value in params.items()}
        self.sagemaker_backend.update_notebook_instance(name, attributes, cleared)
        return EmptyResult()

    @operation
    def create_presigned_notebook_instance_url(self) -> ActionResult:
        """CreatePresignedNotebookInstanceUrl."""
        url = self.sagemaker_backend.create_presigned_notebook_instance_url(**self._snake_case_params())
        return ActionResult({"AuthorizedUrl": url})

    # Lifecycle configurations

    @operation
    def create_notebook_instance_lifecycle_config(self) -> ActionResult:
        """CreateNotebookInstanceLifecycleConfig."""
        config = self.sagemaker_backend.create_notebook_instance_lifecycle_config(
            notebook_instance_lifecycle_config_name=self._get_param(CONFIG_NAME),
            on_create=self._get_param("OnCreate", []),
            on_start=self._get_param("OnStart", []),
            tags=self._get_param("Tags"),
        )
        return ActionResult({"NotebookInstanceLifecycleConfigArn": config.arn})

    @operation
    def describe_notebook_instance_lifecycle_config(self) -> ActionResult:
        """DescribeNotebookInstanceLifecycleConfig."""
        config = self.sagemaker_backend.get_lifecycle_config(self._get_param(CONFIG_NAME), "describe")
        return ActionResult(config.to_dict())

    @operation
    def update_notebook_instance_lifecycle_config(self) -> ActionResult:
        """UpdateNotebookInstanceLifecycleConfig."""
        config = self.sagemaker_backend.get_lifecycle_config(self._get_param(CONFIG_NAME), "update")
        config.replace_scripts(self._get_param("OnCreate"), self._get_param("OnStart"))
        return EmptyResult()

    @operation
    def delete_notebook_instance_lifecycle_config(self) -> ActionResult:
        """DeleteNotebookInstanceLifecycleConfig."""
        return super().delete_notebook_instance_lifecycle_config()

    @operation
    def list_notebook_instance_lifecycle_configs(self) -> ActionResult:
        """ListNotebookInstanceLifecycleConfigs."""
        configs, token = self.sagemaker_backend.list_notebook_instance_lifecycle_configs(self.params)
        return ActionResult(
            {"NotebookInstanceLifecycleConfigs": [config.to_dict() for config in configs], "NextToken": token}
        )

    # Code repositories

    @operation
    def create_code_repository(self) -> ActionResult:
        """CreateCodeRepository."""
        repository = self.sagemaker_backend.create_code_repository(**self._snake_case_params())
        return ActionResult({"CodeRepositoryArn": repository.arn})

    @operation
    def describe_code_repository(self) -> ActionResult:
        """DescribeCodeRepository."""
        return ActionResult(self.sagemaker_backend.get_code_repository(self._get_param("CodeRepositoryName")).to_dict())

    @operation
    def update_code_repository(self) -> ActionResult:
        """UpdateCodeRepository."""
        repository = self.sagemaker_backend.get_code_repository(self._get_param("CodeRepositoryName"))
        repository.update(self._get_param("GitConfig", {}))
        return ActionResult({"CodeRepositoryArn": repository.arn})

    @operation
    def delete_code_repository(self) -> ActionResult:
        """DeleteCodeRepository."""
        self.sagemaker_backend.delete_code_repository(self._get_param("CodeRepositoryName"))
        return EmptyResult()

    @operation
    def list_code_repositories(self) -> ActionResult:
        """ListCodeRepositories."""
        repositories, token = self.sagemaker_backend.list_code_repositories(self.params)
        return ActionResult({"CodeRepositorySummaryList": [r.to_dict() for r in repositories], "NextToken": token})

    # Tags

    @operation
    def add_tags(self) -> ActionResult:
        """AddTags."""
        return super().add_tags()

    @operation
    def list_tags(self) -> ActionResult:
        """ListTags, which has only one page: no resource has more tags."""
        if self._get_param("NextToken"):
            raise foreign_token()
        return super().list_tags()

    @operation
    def delete_tags(self) -> ActionResult:
        """DeleteTags."""
        return super().delete_tags()

    def _snake_case_params(self) -> dict[str, Any]:
        return {xform_name(key): value for key, value in self.params.items()}


CONFIG_NAME = "NotebookInstanceLifecycleConfigName"
CLEARED_BY = {
    "DisassociateLifecycleConfig": "lifecycle_config_name",
    "DisassociateAcceleratorTypes": "accelerator_types",
    "DisassociateDefaultCodeRepository": "default_code_repository",
    "DisassociateAdditionalCodeRepositories": "additional_code_repositories",
}


def refusal(code: str, message: str) -> TYPE_RESPONSE:
    """Return the answer to a malformed request; moto would answer with an HTML page, after which clients retry."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return 400, headers, json.dumps({"__type": code, "message": message})
