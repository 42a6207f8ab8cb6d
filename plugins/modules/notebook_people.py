#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notebook_people
version_added: 0.1.0
short_description: Read from the inventory what people want
description:
  - Reads the variables C(notebook_*) of each person, and returns their instances and lifecycle configurations as
    M(datalab.notebooks.sagemaker_notebook_fleet) takes them.
  - C(notebook_<option>) is the option of that name of M(datalab.notebooks.sagemaker_notebook_instance).
    C(notebook_host_*) are the variables of the role C(notebook_host), which are the same for all who share a lifecycle
    configuration.
  - Mistakes are told all at once, one line for each, with the person, the variable and the remedy.
  - Runs on the controller. Use it with C(run_once).
author: The datalab.notebooks contributors (@datalab)
options:
  people:
    description: The hosts whose instances are wanted.
    type: list
    elements: str
    required: true
  owners:
    description: All owners in the inventory.
    type: list
    elements: str
    required: true
  viewers:
    description: All viewers in the inventory.
    type: list
    elements: str
    required: true
  prefix:
    description: What the names of instances and lifecycle configurations begin with.
    type: str
    required: true
  owner_defaults:
    description: Variables that an owner has unless the inventory says otherwise.
    type: dict
    required: true
  viewer_defaults:
    description: Variables that a viewer has unless the inventory says otherwise, before O(owner_defaults).
    type: dict
    required: true
  host_defaults:
    description: The variables of the role C(notebook_host) with their defaults.
    type: dict
    required: true
  role_arns:
    description: The ARN of the execution role of each person who has no other C(notebook_role_arn).
    type: dict
    default: {}
  mounts:
    description:
      - What the instances of some people mount instead of what others do, by person, as variables of the role
        C(notebook_host).
      - Such a person has a lifecycle configuration of their own, called after them.
    type: dict
    default: {}
  teams:
    description:
      - The teams that there are, as C(platform_access_teams) of the role C(platform_access). If it is empty, every name
        is a team.
      - What is not within the C(limits) of a team is a mistake. Its people have no root access.
    type: dict
    default: {}
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Read what the people of this play want
  datalab.notebooks.notebook_people:
    people: "{{ ansible_play_hosts }}"
    owners: "{{ groups['owners'] }}"
    viewers: "{{ groups['viewers'] }}"
    prefix: datalab
    owner_defaults:
      notebook_instance_type: ml.t3.medium
    viewer_defaults:
      notebook_state: started
    host_defaults:
      notebook_host_idle_timeout: 3600
  run_once: true
  register: wanted
"""

RETURN = r"""
instances:
  description: For the option of that name of M(datalab.notebooks.sagemaker_notebook_fleet).
  returned: success
  type: list
  elements: dict
  sample:
    - name: datalab-alice
      owner: alice
      instance_type: ml.t3.medium
      lifecycle_config_name: datalab
      tags: {owner: alice, team: research}
      keep_tags: [idle]
everybody:
  description: All owners who have a team, also those whose instances are not asked for.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: alice, team: research, instance: datalab-alice}
owned:
  description: The names of the instances of all owners and viewers, also those that are not asked for.
  returned: success
  type: list
  elements: str
  sample: [datalab-alice, datalab-viewer]
lifecycle_configs:
  description:
    - The configurations that these instances use, whose they are, who else in the inventory has them, and the variables
      behind their scripts.
  returned: success
  type: list
  elements: dict
  sample:
    - name: datalab
      people: [alice]
      others: [bob]
      settings:
        notebook_host_idle_timeout: 3600
"""
