# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of one notebook instance, for the module that has one and for the module that has a list of them."""

from __future__ import annotations

from textwrap import indent

OPTIONS = r"""
name:
  description:
    - The name of the instance, unique in the account and region.
    - Letters, digits and hyphens, at most 63, with neither a hyphen at the start nor at the end.
  type: str
  required: true
  aliases: [notebook_instance_name]
owner:
  description:
    - The person whom the instance belongs to. Nothing is done to an instance whose tag C(owner) names another person,
      unless O(allow_other_owner=true).
    - Without it, O(tags) may name the owner. If they do not either, only taking the tag C(owner) away is refused.
    - With it, messages speak of the person and of the inventory variable C(notebook_<option>) instead of the name of
      the instance and the option.
  type: str
allow_other_owner:
  description:
    - Whether the instance may be changed, started, stopped, taken over or deleted although its tag C(owner) names a
      person other than the owner who is given.
    - The new owner gets the right to the instance with the tag, and all that is saved there.
  type: bool
  default: false
state:
  description:
    - With V(present) the instance exists and has the settings given here; whether it runs is left alone. AWS starts an
      instance that it creates, and one that is C(Failed) is started again.
    - V(started), V(stopped) and V(restarted) are V(present) and see to the run state as well.
    - V(absent) deletes the instance B(and its volume, with everything on it). A running instance is only deleted
      with O(force=true).
  type: str
  choices: [present, absent, started, stopped, restarted]
  default: present
instance_type:
  description:
    - The machine, such as V(ml.t3.medium). Needed to create an instance.
    - Checked against the types that the installed botocore knows, unless O(new_instance_type=true).
  type: str
new_instance_type:
  description:
    - Whether O(instance_type) may be one that the installed botocore does not know, since AWS added it later. Upgrading
      botocore is better, because misspelt types are then still found.
  type: bool
  default: false
role_arn:
  description: The ARN of the execution role. Needed to create an instance.
  type: str
volume_size_in_gb:
  description:
    - The size in GiB of the volume that is mounted at C(/home/ec2-user/SageMaker), 5 to 16384. AWS makes it 5 when it
      is not given.
    - It can grow, and never shrinks.
  type: int
lifecycle_config_name:
  description:
    - The lifecycle configuration whose scripts run when the instance is created and at each start.
    - An empty string takes the configuration away.
  type: str
default_code_repository:
  description:
    - The name of a code repository in SageMaker, or the HTTPS URL of a Git repository, that Jupyter opens in.
    - An empty string takes it away.
  type: str
additional_code_repositories:
  description: Up to three more repositories. An empty list takes them away.
  type: list
  elements: str
root_access:
  description: Whether users of the instance may become root. Lifecycle scripts always run as root.
  type: bool
platform_identifier:
  description:
    - The platform of the instance, such as V(notebook-al2023-v1).
    - C(notebook-al2-*) and older can no longer be created.
  type: str
ip_address_type:
  description: Whether the instance has IPv4 addresses only.
  type: str
  choices: [ipv4, dualstack]
minimum_instance_metadata_service_version:
  description:
    - The lowest version of the instance metadata service that the instance answers to. An instance is created with V(2)
      when it is not given.
    - API parameter C(InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion).
  type: str
  choices: ["1", "2"]
subnet_id:
  description: The subnet of the instance. AWS sets it at creation only.
  type: str
security_group_ids:
  description: Up to five security groups, in the VPC of the subnet. AWS sets them at creation only.
  type: list
  elements: str
kms_key_id:
  description: The key that the volume is encrypted with, as id or ARN. AWS sets it at creation only.
  type: str
direct_internet_access:
  description:
    - Whether the instance reaches the internet other than through its subnet. AWS sets it at creation only.
    - An instance is created with V(false) in a subnet only.
  type: bool
update_policy:
  description:
    - Most settings can only be updated while the instance is stopped.
    - With V(when_stopped) such an update waits when the instance is running. It is returned as C(pending), and applied
      by the next run that finds the instance stopped. Tags are updated at once.
    - With V(force) the instance is stopped, updated, and started again. B(Running work is lost.)
  type: str
  choices: [when_stopped, force]
  default: when_stopped
force:
  description: Delete the instance even if it is running. Only with O(state=absent).
  type: bool
  default: false
tags:
  description:
    - The tags of the instance. If they are not given, tags are left alone.
    - At most 48. C(datalab:verified) and C(datalab:restart) are the collection's own; they are neither returned nor
      purged.
  type: dict
  aliases: [resource_tags]
purge_tags:
  description: Whether tags that are not in O(tags) are removed. Without O(tags), none are.
  type: bool
  default: true
keep_tags:
  description:
    - Keys of tags that belong to the owner of the instance, such as C(idle).
    - A value that such a tag has on the instance is neither overwritten nor purged; a missing one is set from O(tags).
  type: list
  elements: str
  default: []
"""

FLEET = r"""
options:
  instances:
    description:
      - The instances, each with the options of M(datalab.notebooks.sagemaker_notebook_instance).
    type: list
    elements: dict
    required: true
    suboptions:
"""


class ModuleDocFragment:
    """One instance as the options of a module, or (.fleet) as the elements of the option `instances`."""

    def __init__(self) -> None:
        self.DOCUMENTATION = "options:\n" + indent(OPTIONS, "  ")
        self.FLEET = FLEET + indent(OPTIONS.replace("O(", "O(instances[]."), " " * 6)
