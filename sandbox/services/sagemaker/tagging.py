# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GetResources in pages of resources, as AWS counts them.

moto ends a page after 100 tags even if the request sets no such limit. Its tokens can be used only once, so a client
that has to repeat a request gets no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.resourcegroupstaggingapi.exceptions import ResourceGroupsTaggingAPIError
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.sagemaker.exceptions import ValidationError

from .listing import page
from .results import PlainResult

if TYPE_CHECKING:
    from moto.core.resource_tagging import TaggedResource
    from moto.core.responses import ActionResult


class TaggingResponse(ResourceGroupsTaggingAPIResponse):
    """moto's Resource Groups Tagging API, with AWS's pages."""

    def get_resources(self) -> ActionResult:
        """GetResources."""
        if self._get_param("TagsPerPage") is not None:
            return super().get_resources()
        size = self._get_int_param("ResourcesPerPage", 50)
        if not 1 <= size <= 100:
            raise ResourceGroupsTaggingAPIError(
                "InvalidParameterException", "ResourcesPerPage must be between 1 and 100"
            )
        filters = {
            "tag_filters": self._get_param("TagFilters", []),
            "resource_type_filters": self._get_param("ResourceTypeFilters", []),
            "resource_arn_list": self._get_param("ResourceARNList", []),
        }
        found = self.backend._get_resources_generator(**filters)
        try:
            resources, token = page(found, _place, size, self._get_param("PaginationToken"), filters)
        except ValidationError as error:
            raise ResourceGroupsTaggingAPIError("PaginationTokenExpiredException", error.message) from None
        return PlainResult(
            {"ResourceTagMappingList": [_mapping(resource) for resource in resources], "PaginationToken": token or ""}
        )


def _place(resource: TaggedResource) -> tuple[str]:
    return (resource.arn,)


def _mapping(resource: TaggedResource) -> dict[str, object]:
    return {
        "ResourceARN": resource.arn,
        "Tags": [{"Key": key, "Value": value} for key, value in resource.tags.items()],
    }
