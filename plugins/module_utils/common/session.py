# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Clients of many services, made quickly."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info

from .errors import NotebookError

with suppress(ImportError):  # AnsibleAWSModule says so
    from boto3.session import Session as Boto3Session
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


class Session:
    """Makes clients as AnsibleAWSModule does, but all from one boto3 session.

    AnsibleAWSModule makes a session for each client; reading botocore's data anew takes it 0.05 s of CPU each time, and
    credentials are asked for as often. It makes the first client here too, and so tells what is wrong with the region
    or the credentials.
    """

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.sts = module.client("sts")
        region, endpoint_url, options = get_aws_connection_info(module)
        profile = options.pop("profile_name", None)
        named = Config(user_agent=self.sts.meta.config.user_agent.rpartition(" Botocore/")[0])  # botocore adds it again
        self._config = named.merge(options.pop("aws_config", None) or Config())
        self._options = {"region_name": region, "endpoint_url": endpoint_url, **options}
        self._session: Any = Boto3Session(profile_name=profile)
        self._lock = Lock()

    def client(self, service: str, config: dict[str, Any] | None = None) -> Any:
        """A client of this service, with these settings of botocore's Config besides the module's own.

        Raises NotebookError where no region is known.
        """
        merged = self._config.merge(Config(**(config or {})))
        try:
            with self._lock:  # a session is not made for threads
                return self._session.client(service, config=merged, **self._options)
        except NoRegionError as error:  # STS has an endpoint without one
            raise NotebookError("This module requires a region. Set AWS_REGION or the option region") from error
