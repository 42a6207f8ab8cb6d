# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the API, each in its phase of the life of one instance."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .account import INSTANCE_TYPE, MARK
from .run import NEW_SIZE, Run, config_content
from .table import RIGHTS, Seen, assume, is_equal

BACKEND = "sandbox/services/sagemaker/backend.py"
MODELS = "sandbox/services/sagemaker/models.py"
ERRORS = "plugins/module_utils/common/errors.py"
CONVERGE = "plugins/module_utils/sagemaker/converge.py"
FLEET = "plugins/module_utils/sagemaker/fleet.py"
API = "plugins/module_utils/sagemaker/api.py"
OLD_PLATFORM = "notebook-al2-v3"
GET_RESOURCES_SECONDS = 60


def refusal(call: Callable[..., Any], **params: Any) -> str | None:
    """Return the message with which AWS refuses a call, or None; raise errors other than ValidationException."""
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return str(error.response["Error"]["Message"])
    return None


def refused(says: str, call: Callable[..., Any], **params: Any) -> Seen:
    """Check that a call is refused by a ValidationException whose message contains `says`."""
    text = refusal(call, **params)
    return Seen(text is not None and says in text, text or "accepted")


def refuses(run: Run, status: str, *operations: str) -> Seen:
    """Check that the instance refuses all these operations as long as it is in this status."""
    texts: dict[str, str | None] = {}
    for operation in operations:
        if run.status() != status:
            return Seen(None, f"it was {status} for too short a time")
        params: dict[str, Any] = {"NotebookInstanceName": run.name}
        params |= {"VolumeSizeInGB": NEW_SIZE} if operation == UPDATE else {}
        texts[operation.split("_")[0]] = refusal(getattr(run.account.sagemaker, operation), **params)
    holds = all(text is not None and f"Status ({status})" in text for text in texts.values())
    return Seen(holds, "; ".join(f"{operation}: {text or 'accepted'}" for operation, text in texts.items()))


START, STOP, UPDATE, DELETE = (f"{each}_notebook_instance" for each in ("start", "stop", "update", "delete"))
PRESIGNED = "create_presigned_notebook_instance_url"


# Before there is an instance


@assume("before", "A missing instance is reported as a ValidationException with RecordNotFound.", ERRORS)
def missing_instance(run: Run) -> Seen:
    return refused("RecordNotFound", run.account.sagemaker.describe_notebook_instance, NotebookInstanceName=run.name)


@assume("before", 'A missing configuration is reported as a ValidationException with "does not exist".', ERRORS)
def missing_configuration(run: Run) -> Seen:
    call = run.account.sagemaker.describe_notebook_instance_lifecycle_config
    return refused("does not exist", call, NotebookInstanceLifecycleConfigName=f"{run.name}-none")


@assume(
    "before", 'A missing repository is reported as a ValidationException with "Cannot find CodeRepository".', ERRORS
)
def missing_repository(run: Run) -> Seen:
    call = run.account.sagemaker.describe_code_repository
    return refused("Cannot find CodeRepository", call, CodeRepositoryName=f"{run.name}-none")


@assume("before", "CreateNotebookInstanceLifecycleConfig of a name that is taken is a ValidationException.", BACKEND)
def configuration_twice(run: Run) -> Seen:
    call = run.account.sagemaker.create_notebook_instance_lifecycle_config
    return refused("already exists", call, NotebookInstanceLifecycleConfigName=run.name, Tags=run.account.tags)


@assume(
    "before",
    "A script of 16,384 characters in base64 is accepted and kept whole.",
    "plugins/module_utils/sagemaker/scripts.py",
)
def longest_script(run: Run) -> Seen:
    content = run.config()["OnStart"][0]["Content"]
    return Seen(content == config_content() and len(content) == 16384, f"{len(content):,} characters")


@assume("before", "A script of 16,388 characters is refused.", "plugins/module_utils/sagemaker/scripts.py")
def too_long_script(run: Run) -> Seen:
    content = config_content() + base64.b64encode(b"###").decode()
    return refused("16384", run.update_config, OnStart=[{"Content": content}])


@assume("before", "UpdateNotebookInstanceLifecycleConfig with an empty list removes a script.", MODELS)
def empty_list_removes(run: Run) -> Seen:
    run.update_config(OnCreate=[])
    left = run.config().get("OnCreate")
    run.update_config(OnCreate=[{"Content": base64.b64encode(b"#!/bin/bash\necho created\n").decode()}])
    return Seen(not left and len(run.config()["OnCreate"]) == 1, f"OnCreate: {len(left or [])} scripts")


@assume("before", "The name of a quota contains its instance type.", "plugins/module_utils/sagemaker/quotas.py")
def quota_name(run: Run) -> Seen:
    pages = run.account.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    name = f"{INSTANCE_TYPE} for notebook instance usage"
    quotas = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    return Seen(name in quotas, f"{name}: {'there' if name in quotas else 'missing'}", f"{quotas.get(name)}")


# Pending


@assume("pending", "After the answer of CreateNotebookInstance the instance is Pending at once.", CONVERGE)
def created_pending(run: Run) -> Seen:
    return is_equal("Pending", run.status())


@assume("pending", "CreateNotebookInstance of a name that is taken is a ValidationException.", CONVERGE)
def instance_twice(run: Run) -> Seen:
    return refused("", run.account.sagemaker.create_notebook_instance, **run.wanted())


@assume("pending", "A Pending instance refuses stop, start, update and delete, and names the status.", BACKEND)
def pending_refuses(run: Run) -> Seen:
    return refuses(run, "Pending", STOP, START, UPDATE, DELETE)


@assume("pending", "A Pending instance has no presigned URL.", BACKEND)
def pending_has_no_url(run: Run) -> Seen:
    return refuses(run, "Pending", PRESIGNED)


@assume("pending", "By default an instance has the current OS, and root access.", BACKEND)
def defaults(run: Run) -> Seen:
    described = run.describe()
    return is_equal(
        "notebook-al2023-v1, Enabled, 5 GB",
        f"{described['PlatformIdentifier']}, {described['RootAccess']}, {described['VolumeSizeInGB']} GB",
    )


@assume("pending", "ListNotebookInstances has an instance as soon as it is created.", CONVERGE)
def listed_at_once(run: Run) -> Seen:
    return Seen(run.summary() is not None, "listed" if run.summary() else "not listed")


# InService


@assume("running", "A running instance refuses start, update and delete, and names the status.", BACKEND)
def in_service_refuses(run: Run) -> Seen:
    return refuses(run, "InService", START, UPDATE, DELETE)


@assume("running", "ListNotebookInstances and DescribeNotebookInstance have the same LastModifiedTime.", FLEET)
def same_time_in_lists(run: Run) -> Seen:
    summary = run.summary() or {}
    same = summary.get("LastModifiedTime") == run.modified()
    return Seen(same, "the same" if same else "another one", f"{summary.get('LastModifiedTime')}, {run.modified()}")


@assume("running", "AddTags and DeleteTags do not change LastModifiedTime.", FLEET)
def tags_leave_the_time(run: Run) -> Seen:
    before, arn = run.modified(), run.account.instance_arn
    run.account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "idle", "Value": "never"}])
    run.account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["idle"])
    return Seen(run.modified() == before, "left alone" if run.modified() == before else "moved")


@assume("running", "AddTags of an existing key replaces its value.", API)
def tag_is_replaced(run: Run) -> Seen:
    arn = run.account.instance_arn
    for value in ("first", "second"):
        run.account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": value}])
    tags = run.account.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return is_equal("second", ", ".join(tag["Value"] for tag in tags if tag["Key"] == "team"))


@assume("running", "A tag of the name aws:… is refused.", BACKEND)
def no_tag_of_aws(run: Run) -> Seen:
    tags = [{"Key": "aws:team", "Value": "x"}]
    return refused("", run.account.sagemaker.add_tags, ResourceArn=run.account.instance_arn, Tags=tags)


@assume("running", f"GetResources has a new tag within {GET_RESOURCES_SECONDS} s.", API)
def tag_in_get_resources(run: Run) -> Seen:
    began = time.monotonic()
    asked = {
        "ResourceTypeFilters": ["sagemaker:notebook-instance"],
        "TagFilters": [{"Key": MARK, "Values": [run.name]}],
    }
    wanted = {"Key": "team", "Value": "second"}
    while (seconds := time.monotonic() - began) < GET_RESOURCES_SECONDS:
        found = run.account.tagging.get_resources(**asked)["ResourceTagMappingList"]
        if any(wanted in each["Tags"] for each in found):
            return Seen(True, "there", f"after {seconds:.1f} s")
        time.sleep(run.pause)
    return Seen(False, f"not within {GET_RESOURCES_SECONDS} s")


@assume("running", "A configuration that a running instance uses can be updated.", API)
def used_configuration_is_updated(run: Run) -> Seen:
    run.update_config(OnStart=[{"Content": config_content()}])
    return Seen(True, "accepted")


@assume("running", "A presigned URL has a token in it.", "plugins/modules/sagemaker_notebook_presigned_url.py")
def url_has_a_token(run: Run) -> Seen:
    has_token = "?authToken=" in run.url()
    return Seen(has_token, "authToken" if has_token else "no authToken")


# Stopping, Stopped, Updating


@assume("stopping", "After the answer of StopNotebookInstance the instance is Stopping at once.", CONVERGE)
def stop_shows(run: Run) -> Seen:
    return is_equal("Stopping", run.status())


@assume(
    "stopping",
    'A second stop of an instance is refused with "Status (Stop".',
    "roles/notebook_host/files/datalab-autostop.py",
)
def stopped_again(run: Run) -> Seen:
    return refused("Status (Stop", run.account.sagemaker.stop_notebook_instance, NotebookInstanceName=run.name)


@assume("stopping", "A Stopping instance refuses start, update and delete, and names the status.", BACKEND)
def stopping_refuses(run: Run) -> Seen:
    return refuses(run, "Stopping", START, UPDATE, DELETE)


@assume("stopped", "A stop moves LastModifiedTime.", FLEET)
def stop_moves_the_time(run: Run) -> Seen:
    return run.has_moved("running")


@assume("stopped", "A stopped instance refuses a stop and a presigned URL, and names the status.", BACKEND)
def stopped_refuses(run: Run) -> Seen:
    return refuses(run, "Stopped", STOP, PRESIGNED)


@assume("stopped", f"The OS {OLD_PLATFORM} is refused.", "plugins/module_utils/sagemaker/plan.py")
def retired_platform(run: Run) -> Seen:
    call, name = run.account.sagemaker.update_notebook_instance, run.name
    seen = refused("", call, NotebookInstanceName=name, PlatformIdentifier=OLD_PLATFORM)
    if not seen.holds:
        run.wait("Stopped")
        call(NotebookInstanceName=name, PlatformIdentifier="notebook-al2023-v1")
        run.wait("Stopped")
    return seen


@assume("updating", "After the answer of UpdateNotebookInstance the instance is Updating at once.", CONVERGE)
def update_shows(run: Run) -> Seen:
    return is_equal("Updating", run.status())


@assume("updating", "An Updating instance refuses start, stop and update, and names the status.", BACKEND)
def updating_refuses(run: Run) -> Seen:
    return refuses(run, "Updating", START, STOP, UPDATE)


@assume("updated", "An update ends in Stopped, with the new settings.", CONVERGE)
def update_ends(run: Run) -> Seen:
    return is_equal(f"Stopped, {NEW_SIZE} GB", f"{run.status()}, {run.describe()['VolumeSizeInGB']} GB")


@assume("updated", "An update moves LastModifiedTime.", FLEET)
def update_moves_the_time(run: Run) -> Seen:
    return run.has_moved("stopped")


@assume("updated", "A volume cannot shrink.", "plugins/module_utils/sagemaker/plan.py")
def no_smaller_volume(run: Run) -> Seen:
    call = run.account.sagemaker.update_notebook_instance
    return refused("", call, NotebookInstanceName=run.name, VolumeSizeInGB=NEW_SIZE - 1)


@assume(
    "updated",
    "Starting an instance in a subnet takes ec2:CreateNetworkInterface and the right to describe networks.",
    "roles/platform_access/templates/people.yml.j2",
    RIGHTS,
)
def start_needs_rights(run: Run) -> Seen:
    person = run.as_person()
    try:
        person.start_notebook_instance(NotebookInstanceName=run.name)
    except ClientError as error:
        return Seen("ec2:" in str(error) and "AccessDenied" in str(error), str(error))
    return Seen(False, "started by a role that has sagemaker:StartNotebookInstance only")


# The second start, and the end


@assume("starting", "Within ten seconds of StartNotebookInstance the instance is Pending.", CONVERGE)
def start_shows(run: Run) -> Seen:
    return run.starts_within(10)


@assume("running again", "A start moves LastModifiedTime.", FLEET)
def start_moves_the_time(run: Run) -> Seen:
    return run.has_moved("updated")


@assume(
    "running again",
    "SageMaker names the instance (aws:SourceArn) each time that it assumes its role.",
    "roles/platform_access/defaults/main.yml",
    RIGHTS,
)
def role_is_taken_for_the_instance(run: Run) -> Seen:
    return Seen(not run.trust_refused, run.trust_refused or "started by a role that only the instance may have")


@assume("deleting", "After the answer of DeleteNotebookInstance the instance is Deleting, or gone, at once.", CONVERGE)
def delete_shows(run: Run) -> Seen:
    status = (run.account.describe() or {}).get("NotebookInstanceStatus")
    return Seen(status in {"Deleting", None}, "Deleting, or gone" if status in {"Deleting", None} else str(status))


@assume("gone", "A deleted instance is reported as a ValidationException with RecordNotFound.", ERRORS)
def deleted_is_missing(run: Run) -> Seen:
    return missing_instance(run)


@assume("gone", "A deleted instance is in no list.", CONVERGE)
def deleted_is_not_listed(run: Run) -> Seen:
    return Seen(run.summary() is None, "not listed" if run.summary() is None else "listed")
