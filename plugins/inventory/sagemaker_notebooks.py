# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The notebook instances of an account as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sagemaker_notebooks
short_description: Amazon SageMaker notebook instances as hosts
version_added: 0.1.0
author: The datalab.notebooks contributors (@datalab)
description:
  - Adds a host for each notebook instance, also for those that no other inventory has.
  - Reads C(ListNotebookInstances) and C(GetResources), a hundred instances a call. With O(describe=true) one more
    call for each instance reads the rest.
  - The name of its configuration file ends in C(sagemaker_notebooks.yml) or C(sagemaker_notebooks.yaml).
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [datalab.notebooks.sagemaker_notebooks]
  regions:
    description: The regions to read. The default is O(region).
    type: list
    elements: str
    default: []
  statuses:
    description: The states of the instances to read, such as V(InService). The default is every state.
    type: list
    elements: str
    default: []
    choices: [Pending, InService, Stopping, Stopped, Failed, Deleting, Updating, PendingMaintenance, InMaintenance]
  name_contains:
    description: Only instances with this in their name.
    type: str
  tags:
    description: Only instances with these tags, each with a value or a list of values. An empty list allows any value.
    type: dict
    default: {}
  hostnames:
    description:
      - The source of a host's name; the first one in the list that an instance has.
      - Either V(name), or V(tag:) with the key of a tag. Two instances with the same name become one host, so choose a
        tag whose value only one instance has.
    type: list
    elements: str
    default: [name]
  describe:
    description: Whether to describe each instance, for its volume, role, network, platform and root access.
    type: bool
    default: false
  hostvars_prefix:
    description:
      - The prefix of all variables.
      - It differs from C(notebook_), because the variables C(notebook_*) of a person describe the wanted instance, and
        a host of this inventory may have the name of a person.
    type: str
    default: sagemaker_
notes:
  - "Variables, after the prefix: C(region), C(tags), all that the API returns in snake_case (C(notebook_instance_name),
    C(notebook_instance_status), C(notebook_instance_arn), C(instance_type), C(creation_time), C(url), which begins with
    https, and so on), and of the tags C(owner), C(team) and C(idle), which are V(null) where there is no such tag."
  - O(compose), O(groups) and O(keyed_groups) see the variables with the prefix.
  - The URL opens only with a token, which C(datalab.notebooks.open) asks for.
seealso:
  - module: datalab.notebooks.sagemaker_notebook_instance_info
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# running.sagemaker_notebooks.yml: those that cost money now, by team and by type
plugin: datalab.notebooks.sagemaker_notebooks
region: eu-central-1
statuses: [InService]
keyed_groups:
  - key: sagemaker_team
    prefix: team
  - key: sagemaker_instance_type
    prefix: type

---
# idle.sagemaker_notebooks.yml: a team's instances, called after their owners, with a group of those that never stop
plugin: datalab.notebooks.sagemaker_notebooks
regions: [eu-central-1, us-east-1]
tags:
  team: research
hostnames: ["tag:owner", name]
groups:
  never_stops: sagemaker_idle in ['0', 'never']
compose:
  gpu: sagemaker_instance_type is match('ml\.[gp]\d')
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /tmp/sagemaker_notebooks
cache_timeout: 300
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleParserError
from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase

from ansible_collections.datalab.notebooks.plugins.module_utils.common.calls import in_parallel
from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import NotebookError
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker import api
from ansible_collections.datalab.notebooks.plugins.module_utils.sagemaker.instance import OWN_TAGS

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sagemaker import SageMakerClient


def read_instances(
    sagemaker: SageMakerClient,
    tagging: ResourceGroupsTaggingAPIClient,
    *,
    statuses: list[str],
    name_contains: str | None,
    tags: Mapping[str, Any],
    describe: bool,
) -> list[dict[str, Any]]:
    """The instances of a region that pass the filters, in snake_case, each with its tags."""
    filters = {"NameContains": name_contains} if name_contains else {}
    if len(statuses) == 1:
        filters["StatusEquals"] = statuses[0]
    found = [
        summary
        for summary in api.list_notebook_instances(sagemaker, **filters)
        if not statuses or summary["NotebookInstanceStatus"] in statuses
    ]
    tag_filters = [{"Key": key, "Values": _texts(value)} for key, value in tags.items()]
    tags_by_arn = api.get_notebook_instance_tags(tagging, **({"TagFilters": tag_filters} if tag_filters else {}))
    if tag_filters:
        found = [summary for summary in found if summary["NotebookInstanceArn"] in tags_by_arn]
    if describe:
        names = [summary["NotebookInstanceName"] for summary in found]
        described = in_parallel(lambda name: api.describe_notebook_instance(sagemaker, name), names)
        found = [answer for answer in described if answer]
    return [_host(each, tags_by_arn.get(each["NotebookInstanceArn"], {})) for each in found]


def _texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _host(answer: Mapping[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    known = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    shown = {key: value for key, value in tags.items() if key not in OWN_TAGS}
    about = {key: shown.get(key) for key in ("owner", "team", "idle")}
    known["Url"] = f"https://{known['Url']}" if known.get("Url") else None
    return {**boto3_resource_to_ansible_dict(known, force_tags=False), "tags": shown, **about}


def host_name(host: Mapping[str, Any], preferences: list[str]) -> str:
    """The name of a host: the first of `hostnames` that it has, or else the instance's name."""
    name = str(host["notebook_instance_name"])
    choices = (name if each == "name" else host["tags"].get(each.removeprefix("tag:")) for each in preferences)
    return next((str(choice) for choice in choices if choice), name)


class InventoryModule(AWSInventoryBase):
    """The plugin."""

    NAME = "datalab.notebooks.sagemaker_notebooks"
    INVENTORY_FILE_SUFFIXES = ("sagemaker_notebooks.yml", "sagemaker_notebooks.yaml")

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Reads the file and adds the hosts, from the cache if it has them."""
        super().parse(inventory, loader, path, cache=cache)
        wrong = [each for each in self.get_option("hostnames") if each != "name" and not each.startswith("tag:")]
        if wrong:
            raise AnsibleParserError(f"hostnames: {wrong[0]} is not known; give name or tag:<key>")
        was_cached, hosts = self.get_cached_result(path, cache)
        if not was_cached:
            hosts = [host for region in self.get_option("regions") or [self.region] for host in self._read(region)]
        self.update_cached_result(path, cache, hosts)
        for host in hosts:
            self._add(host)

    def _read(self, region: str | None) -> list[dict[str, Any]]:
        options = {option: self.get_option(option) for option in ("statuses", "name_contains", "tags", "describe")}
        clients = [self.client(service, region=region) for service in ("sagemaker", "resourcegroupstaggingapi")]
        try:
            found = read_instances(*clients, **options)
        except NotebookError as error:
            raise AnsibleParserError(str(error)) from error
        return [{**host, "region": clients[0].meta.region_name} for host in found]

    def _add(self, host: dict[str, Any]) -> None:
        name, prefix = host_name(host, self.get_option("hostnames")), self.get_option("hostvars_prefix")
        variables = {f"{prefix}{key}": value for key, value in host.items()}
        self.inventory.add_host(name)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)
