# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""UpdateWorkGroup, which moto lacks, and AWS's rules for workgroups, their tags, and the queries that run in them."""

from __future__ import annotations

import json
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import moto.athena.urls
from moto.athena.models import WorkGroup
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from .sagemaker.constraints import violations
from .sagemaker.listing import page

if TYPE_CHECKING:
    from collections.abc import Callable

PRIMARY = "primary"
PAGE_SIZE = 50
NEWEST_ENGINE = "Athena engine version 3"
ENGINES = (
    "AUTO",
    "Athena engine version 2",
    NEWEST_ENGINE,
    "PySpark engine version 3",
    "Apache Spark version 3.5",
)
R = TypeVar("R", bound=AthenaResponse)


class InvalidRequestError(JsonRESTError):
    """Athena's error for most invalid requests."""

    code = 400

    def __init__(self, message: str):
        super().__init__("InvalidRequestException", message)


class ResourceNotFoundError(JsonRESTError):
    """Athena's error for an ARN that belongs to no resource."""

    code = 400

    def __init__(self, arn: str):
        super().__init__("ResourceNotFoundException", f"Resource {arn} is not found.")


def operation(method: Callable[[R], str]) -> Callable[[R], str]:
    """Return the operation with a check of its input against the service model."""

    @wraps(method)
    def checked(self: R) -> str:
        if message := violations("athena", self._get_action(), json.loads(self.body)):
            raise InvalidRequestError(message)
        return method(self)

    return checked


class WorkGroupResponse(AthenaResponse):
    """moto's Athena, with every operation on workgroups, and with queries that follow a workgroup's settings."""

    @operation
    def create_work_group(self) -> str:
        """CreateWorkGroup."""
        name = self._get_param("Name")
        if name == PRIMARY:
            raise InvalidRequestError("primary workGroup could not be created")
        if name in self._groups:
            raise InvalidRequestError("WorkGroup is already created")
        self._check_engine(self._get_param("Configuration", {}))
        super().create_work_group()
        self._choose_engine(self._groups[name])
        return "{}"

    @operation
    def get_work_group(self) -> str:
        """GetWorkGroup."""
        group = self._group()
        return json.dumps({"WorkGroup": {**_summary(group), "Configuration": group.configuration}})

    @operation
    def list_work_groups(self) -> str:
        """ListWorkGroups."""
        groups, token = page(
            self._groups.values(),
            order=lambda group: (group.name,),
            size=self._get_param("MaxResults", PAGE_SIZE),
            token=self._get_param("NextToken"),
            query={},
        )
        answer: dict[str, Any] = {"WorkGroups": [_summary(group) for group in groups]}
        return json.dumps(answer | ({"NextToken": token} if token else {}))

    @operation
    def update_work_group(self) -> str:
        """UpdateWorkGroup."""
        group = self._group()
        self._check_engine(self._get_param("ConfigurationUpdates", {}))
        group.description = self._get_param("Description", group.description)
        group.state = self._get_param("State", group.state)
        updates = dict(self._get_param("ConfigurationUpdates", {}))
        results = updates.pop("ResultConfigurationUpdates", {})
        group.configuration = _updated(group.configuration, updates)
        if results:
            group.configuration["ResultConfiguration"] = _updated(
                group.configuration.get("ResultConfiguration", {}), results
            )
        self._choose_engine(group)
        return "{}"

    @operation
    def delete_work_group(self) -> str:
        """DeleteWorkGroup."""
        group = self._group()
        backend = self.athena_backend
        if group.name == PRIMARY:
            raise InvalidRequestError("primary workGroup could not be deleted")
        queries = [key for key, query in backend.named_queries.items() if query.workgroup is group]
        executions = [key for key, execution in backend.executions.items() if execution.workgroup is group]
        if (queries or executions) and not self._get_param("RecursiveDeleteOption"):
            raise InvalidRequestError(f"WorkGroup {group.name} is not empty")
        for query in queries:
            del backend.named_queries[query]
        for execution in executions:
            del backend.executions[execution]
        backend.tagger.delete_all_tags_for_resource(group.arn)
        backend.delete_work_group(group.name)
        return "{}"

    @operation
    def start_query_execution(self) -> str:
        """StartQueryExecution; moto ignores the workgroup's settings."""
        group = self._group(PRIMARY)
        if group.state == "DISABLED":
            raise InvalidRequestError(f"WorkGroup {group.name} is disabled.")
        given = self._get_param("ResultConfiguration", {})
        own = group.configuration.get("ResultConfiguration", {})
        results = {**given, **own} if group.configuration["EnforceWorkGroupConfiguration"] else {**own, **given}
        if "OutputLocation" not in results:
            raise InvalidRequestError(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        query_id = self.athena_backend.start_query_execution(
            query=self._get_param("QueryString"),
            context=self._get_param("QueryExecutionContext"),
            config=results,
            workgroup=group.name,
            execution_parameters=self._get_param("ExecutionParameters"),
        )
        return json.dumps({"QueryExecutionId": query_id})

    @operation
    def list_tags_for_resource(self) -> str:
        """ListTagsForResource; moto answers that a resource without tags does not exist."""
        return json.dumps(self.athena_backend.tagger.list_tags_for_resource(self._arn()))

    @operation
    def tag_resource(self) -> str:
        """TagResource."""
        self._arn()
        return super().tag_resource()

    @operation
    def untag_resource(self) -> str:
        """UntagResource."""
        self._arn()
        return super().untag_resource()

    @property
    def _groups(self) -> dict[str, WorkGroup]:
        return self.athena_backend.work_groups

    def _group(self, default: str | None = None) -> WorkGroup:
        name = self._get_param("WorkGroup", default)
        if name not in self._groups:
            raise InvalidRequestError(f"WorkGroup {name} is not found.")
        return self._groups[name]

    def _arn(self) -> str:
        arn: str = self._get_param("ResourceARN")
        if arn not in {resource.arn for resource in self.athena_backend.iter_tagged_resources()}:
            raise ResourceNotFoundError(arn)
        return arn

    @staticmethod
    def _check_engine(configuration: dict[str, Any]) -> None:
        selected = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
        if selected not in ENGINES:
            raise InvalidRequestError(f"Engine version {selected} is not supported.")

    @staticmethod
    def _choose_engine(group: WorkGroup) -> None:
        engine = group.configuration["EngineVersion"]
        selected = engine["SelectedEngineVersion"]
        engine["EffectiveEngineVersion"] = NEWEST_ENGINE if selected == "AUTO" else selected


def _summary(group: WorkGroup) -> dict[str, Any]:
    """Return the fields of a workgroup that both GetWorkGroup and ListWorkGroups return."""
    return {
        "Name": group.name,
        "State": group.state,
        "Description": group.description,
        "CreationTime": vars(group).setdefault("creation_time", time.time()),  # moto returns another time at each call
    }


def _updated(current: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration after updates, among which Remove<name> removes <name>."""
    removed = {key.removeprefix("Remove") for key, value in updates.items() if key.startswith("Remove") and value}
    given = {key: value for key, value in updates.items() if not key.startswith("Remove")}
    return {key: value for key, value in {**current, **given}.items() if key not in removed}


def install() -> None:
    """Install the operations in moto, before its first Athena request."""
    moto.athena.urls.url_paths["{0}/$"] = WorkGroupResponse.dispatch
