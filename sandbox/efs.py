# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The older tag operations of EFS, which moto lacks and the module community.aws.efs uses."""

from __future__ import annotations

import json

import moto.efs.urls
from moto.efs.responses import TYPE_RESPONSE, EFSResponse


class TagsResponse(EFSResponse):
    """moto's EFS, with DescribeTags, CreateTags and DeleteTags."""

    def describe_tags(self) -> TYPE_RESPONSE:
        """DescribeTags."""
        tags = self.efs_backend.list_tags_for_resource(self._get_param("FileSystemId"))
        return json.dumps({"Tags": tags}), {"Content-Type": "application/json"}

    def create_tags(self) -> TYPE_RESPONSE:
        """CreateTags."""
        tags = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
        self.efs_backend.tag_resource(self._get_param("FileSystemId"), tags)
        return "", {"status": 204}

    def delete_tags(self) -> TYPE_RESPONSE:
        """DeleteTags."""
        self.efs_backend.untag_resource(self._get_param("FileSystemId"), self._get_param("TagKeys"))
        return "", {"status": 204}


def install() -> None:
    """Put the operations into moto, before its first EFS request."""
    for path in ("tags", "create-tags", "delete-tags"):
        moto.efs.urls.url_paths[f"/2015-02-01/{path}/<file_system_id>"] = TagsResponse.dispatch
