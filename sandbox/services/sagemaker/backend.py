# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SageMaker's backend with the notebook operations that moto lacks, and with AWS's rules for those that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.resource_tagging import TaggedResource
from moto.moto_api._internal import mock_random
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend

from .listing import listing
from .models import DELETED, CodeRepository, LifecycleConfig, NotebookInstance
from .references import check_key, check_place, check_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .history import Change
    from .power import Power

TAGS_PER_RESOURCE = 50
UNSUPPORTED_PLATFORMS = ("notebook-al1-", "notebook-al2-")
AT_REST = ("Stopped", "Failed")
RUNNING = ("InService",)
Tags = list[dict[str, str]]


class NotebookBackend(SageMakerModelBackend):
    """One account's notebook instances, lifecycle configurations and code repositories in one region."""

    __module__ = "moto.sagemaker.models"  # where moto looks for the service's URLs
    notebook_instances: dict[str, NotebookInstance]  # type: ignore[assignment]  # narrower than moto's
    notebook_instance_lifecycle_configurations: dict[str, LifecycleConfig]  # type: ignore[assignment]  # ditto

    power: ClassVar[Power | None] = None  # only with machines
    tell: ClassVar[Callable[[Change], None] | None] = None  # EventBridge's deliver, once a client has used EventBridge

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.code_repositories: dict[str, CodeRepository] = {}
        self.changes: list[Change] = []  # of all instances, also of deleted ones

    def reset(self) -> None:
        """Forget everything; remove the machines and their volumes as well."""
        if self.power:
            self.power.machines.reset()
        super().reset()

    # Notebook instances

    def create_notebook_instance(  # noqa: PLR0913, PLR0917  # as many as the operation has fields
        self,
        notebook_instance_name: str,
        instance_type: str,
        role_arn: str,
        subnet_id: str | None = None,
        security_group_ids: list[str] | None = None,
        kms_key_id: str | None = None,
        tags: Tags | None = None,
        lifecycle_config_name: str | None = None,
        direct_internet_access: str = "Enabled",
        volume_size_in_gb: int = 5,
        accelerator_types: list[str] | None = None,
        default_code_repository: str | None = None,
        additional_code_repositories: list[str] | None = None,
        root_access: str | None = "Enabled",
        platform_identifier: str = "notebook-al2023-v1",
        ip_address_type: str = "ipv4",
        instance_metadata_service_configuration: dict[str, str] | None = None,
    ) -> NotebookInstance:
        """Create an instance and begin to start it."""
        self._forget_deleted()
        self._validate_unique_notebook_instance_name(notebook_instance_name)
        if direct_internet_access == "Disabled" and not subnet_id:
            raise ValidationError(message="DirectInternetAccess can be Disabled only if SubnetId is given.")
        self._check_references(
            {
                "lifecycle_config_name": lifecycle_config_name,
                "platform_identifier": platform_identifier,
                "default_code_repository": default_code_repository,
                "additional_code_repositories": additional_code_repositories,
                "role_arn": role_arn,
                "kms_key_id": kms_key_id,
            }
        )
        if subnet_id or security_group_ids:
            check_place(subnet_id, security_group_ids or [], self.account_id, self.region_name)
        instance = NotebookInstance(  # type: ignore[abstract]  # as moto's own is
            record=self.record,
            account_id=self.account_id,
            region_name=self.region_name,
            notebook_instance_name=notebook_instance_name,
            instance_type=instance_type,
            role_arn=role_arn,
            subnet_id=subnet_id,
            security_group_ids=security_group_ids,
            kms_key_id=kms_key_id,
            tags=merged_tags([], tags or []),
            lifecycle_config_name=lifecycle_config_name,
            direct_internet_access=direct_internet_access,
            volume_size_in_gb=volume_size_in_gb,
            accelerator_types=accelerator_types,
            default_code_repository=default_code_repository,
            additional_code_repositories=additional_code_repositories,
            root_access=root_access,
            platform_identifier=platform_identifier,
            ip_address_type=ip_address_type,
            instance_metadata_service_configuration=instance_metadata_service_configuration
            or {"MinimumInstanceMetadataServiceVersion": "1"},
        )
        self.notebook_instances[notebook_instance_name] = instance
        return instance

    def get_notebook_instance(self, notebook_instance_name: str) -> NotebookInstance:
        """Return the instance of this name; one that has finished Deleting does not exist."""
        instance = self.notebook_instances.get(notebook_instance_name)
        if instance is None or instance.status == DELETED:
            raise ValidationError(message="RecordNotFound")
        return instance

    def start_notebook_instance(self, notebook_instance_name: str) -> None:
        """Begin to start a stopped or failed instance."""
        instance = self._instance_for("transition to (Pending)", notebook_instance_name)
        self._check_references({"platform_identifier": instance.platform_identifier})
        instance.start_or_forget()

    def stop_notebook_instance(self, notebook_instance_name: str) -> None:
        """Begin to stop a running instance."""
        self._instance_for("transition to (Stopping)", notebook_instance_name, RUNNING).stop()

    def delete_notebook_instance(self, notebook_instance_name: str) -> None:
        """Begin to delete a stopped or failed instance."""
        self._instance_for("transition to (Deleting)", notebook_instance_name).delete()

    def update_notebook_instance(
        self, notebook_instance_name: str, attributes: dict[str, Any], cleared: Iterable[str]
    ) -> None:
        """Change settings of a stopped or failed instance; those that are not named stay."""
        instance = self._instance_for("transition to (Updating)", notebook_instance_name)
        for name in cleared:
            if name in attributes:
                raise ValidationError(message=f"A value for {name} and its removal cannot be asked for at once.")
        self._check_references(attributes)
        if attributes.get("volume_size_in_gb", instance.volume_size_in_gb) < instance.volume_size_in_gb:
            raise ValidationError(
                message=f"The volume of {instance.volume_size_in_gb} GB cannot shrink "
                f"to {attributes['volume_size_in_gb']} GB."
            )
        instance.update(attributes | dict.fromkeys(cleared))

    def create_presigned_notebook_instance_url(
        self, notebook_instance_name: str, session_expiration_duration_in_seconds: int = 43200
    ) -> str:
        """Return a URL that opens a running instance."""
        instance = self._instance_for("create a presigned URL", notebook_instance_name, RUNNING)
        if self.power:
            return self.power.door.url(instance.name, session_expiration_duration_in_seconds)
        return f"https://{instance.url}?authToken={mock_random.get_random_hex(64)}"

    def list_notebook_instances(  # type: ignore[override]  # moto's has two filters of twelve
        self, params: Mapping[str, Any]
    ) -> tuple[list[NotebookInstance], str | None]:
        """Return one page of the instances that pass all filters, and the token of the next page."""
        self._forget_deleted()
        return listing((i for i in list(self.notebook_instances.values()) if _passes(i, params)), params)

    def record(self, change: Change) -> None:
        """Record a change of an instance's state, and send its event."""
        self.changes.append(change)
        if tell := type(self).tell:
            tell(change)

    def statuses(self) -> list[str]:
        """Return the status of each instance."""
        self._forget_deleted()
        return [instance.status for instance in list(self.notebook_instances.values())]

    def _instance_for(self, purpose: str, name: str, allowed: tuple[str, ...] = AT_REST) -> NotebookInstance:
        """Return the instance if its status is among the allowed ones."""
        instance = self.get_notebook_instance(name)
        status = instance.status
        if status not in allowed:
            raise ValidationError(
                message=f"Status ({status}) not in ([{', '.join(allowed)}]). "
                f"Unable to {purpose} for Notebook Instance ({instance.arn})."
            )
        return instance

    def _forget_deleted(self) -> None:
        for name, instance in list(self.notebook_instances.items()):
            if instance.status == DELETED:
                self.notebook_instances.pop(name, None)

    def _check_references(self, attributes: Mapping[str, Any]) -> None:
        """Refuse references to missing resources, and a retired OS."""
        if role := attributes.get("role_arn"):
            check_role(role, self.account_id, self.region_name)
        if key := attributes.get("kms_key_id"):
            check_key(key, self.account_id, self.region_name)
        platform = attributes.get("platform_identifier")
        if platform and platform.startswith(UNSUPPORTED_PLATFORMS):
            raise ValidationError(message=f"Platform identifier ({platform}) is not supported for this service.")
        if config := attributes.get("lifecycle_config_name"):
            self.get_lifecycle_config(config, "describe")
        default = attributes.get("default_code_repository")
        for repository in [*([default] if default else []), *(attributes.get("additional_code_repositories") or [])]:
            if not repository.startswith("https://"):
                self.get_code_repository(repository)

    # Lifecycle configurations

    def create_notebook_instance_lifecycle_config(
        self,
        notebook_instance_lifecycle_config_name: str,
        on_create: list[dict[str, str]],
        on_start: list[dict[str, str]],
        tags: Tags | None = None,
    ) -> LifecycleConfig:
        """Create a lifecycle configuration."""
        name = notebook_instance_lifecycle_config_name
        if name in self.notebook_instance_lifecycle_configurations:
            raise self._lifecycle_config_error(name, "create", "already exists")
        config = LifecycleConfig(  # type: ignore[abstract]  # as moto's own is
            account_id=self.account_id,
            region_name=self.region_name,
            notebook_instance_lifecycle_config_name=name,
            on_create=on_create,
            on_start=on_start,
            tags=merged_tags([], tags or []),
        )
        self.notebook_instance_lifecycle_configurations[name] = config
        return config

    def get_lifecycle_config(self, name: str, purpose: str) -> LifecycleConfig:
        """Return the lifecycle configuration of this name."""
        try:
            return self.notebook_instance_lifecycle_configurations[name]
        except KeyError:
            raise self._lifecycle_config_error(name, purpose, "does not exist") from None

    def list_notebook_instance_lifecycle_configs(
        self, params: Mapping[str, Any]
    ) -> tuple[list[LifecycleConfig], str | None]:
        """Return one page of the lifecycle configurations that pass all filters, and the token of the next page."""
        return listing(list(self.notebook_instance_lifecycle_configurations.values()), params, sort_by="CreationTime")

    def _lifecycle_config_error(self, name: str, purpose: str, reason: str) -> ValidationError:
        arn = LifecycleConfig.arn_formatter(name, self.account_id, self.region_name)
        what = "Notebook Instance Lifecycle Config"
        return ValidationError(message=f"Unable to {purpose} {what} '{arn}'. (Details: {what} {reason}.)")

    # Code repositories

    def create_code_repository(
        self, code_repository_name: str, git_config: dict[str, str], tags: Tags | None = None
    ) -> CodeRepository:
        """Create a code repository."""
        name = code_repository_name
        if name in self.code_repositories:
            raise ValidationError(message=f"CodeRepository already exists: {self.code_repositories[name].arn}")
        repository = CodeRepository(self.account_id, self.region_name, name, git_config, merged_tags([], tags or []))
        self.code_repositories[name] = repository
        return repository

    def get_code_repository(self, code_repository_name: str) -> CodeRepository:
        """Return the code repository of this name."""
        try:
            return self.code_repositories[code_repository_name]
        except KeyError:
            arn = CodeRepository.arn_formatter(code_repository_name, self.account_id, self.region_name)
            raise ValidationError(message=f"Cannot find CodeRepository: {arn}") from None

    def delete_code_repository(self, code_repository_name: str) -> None:
        """Delete a code repository."""
        del self.code_repositories[self.get_code_repository(code_repository_name).name]

    def list_code_repositories(self, params: Mapping[str, Any]) -> tuple[list[CodeRepository], str | None]:
        """Return one page of the code repositories that pass all filters, and the token of the next page."""
        return listing(list(self.code_repositories.values()), params)

    # Tags

    def _get_resource_from_arn(self, arn: str) -> Any:
        _, _, _, region, account_id, resource = arn.split(":", maxsplit=5)
        kind, _, name = resource.partition("/")
        if (region, account_id) != (self.region_name, self.account_id):
            raise ValidationError(message="RecordNotFound")
        if kind == "notebook-instance":
            return self.get_notebook_instance(name)
        if kind == "notebook-instance-lifecycle-config":
            return self.get_lifecycle_config(name, "describe")
        if kind == "code-repository":
            return self.get_code_repository(name)
        try:
            other = super()._get_resource_from_arn(arn)
        except (AttributeError, ValueError):  # a kind that moto does not know
            other = None
        if other is None:
            raise ValidationError(message="RecordNotFound")
        return other

    def add_tags(self, arn: str, tags: Tags) -> Tags:
        """Set tags; moto would append a second tag of the same key."""
        resource = self._get_resource_from_arn(arn)
        resource.tags = merged_tags(resource.tags, tags)
        return list(resource.tags)

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """Yield all resources that can have tags."""
        self._forget_deleted()
        yield from super().iter_tagged_resources()
        for repository in list(self.code_repositories.values()):
            tags = {tag["Key"]: tag["Value"] for tag in repository.tags}
            yield TaggedResource(arn=repository.arn, tags=tags, resource_type="sagemaker:code-repository")


def merged_tags(current: Tags, added: Tags) -> Tags:
    """Return the current tags with the added ones; refuse tags that AWS would refuse."""
    if any(tag["Key"].lower().startswith("aws:") for tag in added):
        raise ValidationError(message="aws: prefixed tag key names are not allowed for external use.")
    merged = {tag["Key"]: tag["Value"] for tag in [*current, *added]}
    if len(merged) > TAGS_PER_RESOURCE:
        raise ValidationError(message=f"A resource cannot have more than {TAGS_PER_RESOURCE} tags.")
    return [{"Key": key, "Value": value} for key, value in merged.items()]


def _passes(instance: NotebookInstance, params: Mapping[str, Any]) -> bool:
    """Return whether an instance passes the filters that only ListNotebookInstances has."""
    repository = params.get("AdditionalCodeRepositoryEquals")
    return (
        params.get("StatusEquals") in (None, instance.status)
        and params.get("NotebookInstanceLifecycleConfigNameContains", "") in (instance.lifecycle_config_name or "")
        and params.get("DefaultCodeRepositoryContains", "") in (instance.default_code_repository or "")
        and (repository is None or repository in (instance.additional_code_repositories or []))
    )
