#!/usr/bin/python
# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# The action plugin of the same name does the work.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: deploy_plan
version_added: 0.1.0
short_description: Plan what a delivered project needs to run on Kubernetes
description:
  - Reads a project that C(datalab deliver --as service) or C(--as job) has written, and its state on the cluster, and
    returns the steps for the playbook C(datalab.notebooks.deploy).
  - It has no options. It reads the variables C(deploy_…), which the playbook describes, and refuses a wrong one, or a
    folder that is not such a project, before anything is changed.
  - It needs kubectl or kustomize, and the Python package kubernetes, on the controller.
author: The datalab.notebooks contributors (@datalab)
extends_documentation_fragment:
  - datalab.notebooks.attributes.info
"""

EXAMPLES = r"""
- name: Plan what there is to do
  datalab.notebooks.deploy_plan:
  vars:
    deploy_project: clusters
    deploy_overlay: staging
  register: plan
"""

RETURN = r"""
name:
  description: The project's name.
  returned: always
  type: str
  sample: clusters
kind:
  description: What has its pods, C(Deployment) or C(CronJob).
  returned: always
  type: str
  sample: Deployment
namespace:
  description: Where it runs.
  returned: always
  type: str
  sample: clusters-staging
image:
  description: The image that is to run. Its tag changes with whatever it is built from.
  returned: always
  type: str
  sample: registry.example.com/team/clusters:0.1.0-5f1d7a84db00
build:
  description: Whether it has to be built. Not if what runs is of the same files.
  returned: always
  type: bool
  sample: true
push:
  description: Whether it has to be pushed after that.
  returned: always
  type: bool
  sample: true
builder:
  description: The program that builds, or nothing.
  returned: always
  type: str
  sample: podman
base:
  description: The image to build on in the place of the Dockerfile's, or nothing.
  returned: always
  type: str
  sample: ""
context:
  description: The files and folders of the project that the image is built from.
  returned: always
  type: list
  elements: str
  sample: [Dockerfile, requirements.lock, pyproject.toml, README.md, src]
python:
  description: The version of Python that it is built for.
  returned: always
  type: str
  sample: "3.11"
project:
  description: The project's folder.
  returned: always
  type: str
  sample: /home/me/clusters
labels:
  description: What its pods are found by.
  returned: always
  type: list
  elements: str
  sample: [app.kubernetes.io/name=clusters]
timeout:
  description: For how many seconds to wait for pods and for the job.
  returned: always
  type: int
  sample: 300
resources:
  description: All resources of the overlay, with that image.
  returned: always
  type: list
  elements: dict
  sample: [{kind: Namespace, metadata: {name: clusters-staging}}]
smoke_job:
  description: A job that does once what a CronJob does each day; of a service, nothing.
  returned: always
  type: dict
  sample: {}
before:
  description: What runs now, as it can be put back, or nothing.
  returned: always
  type: dict
  sample: {}
"""
