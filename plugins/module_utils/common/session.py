# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Clients of many services, made quickly."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info

from .errors import NotebookError

with suppress(ImportError):  # AnsibleAWSModule says so
    from boto3.session import Session as Boto3Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError
    from botocore.model import ServiceModel
    from botocore.session import get_session

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
    from botocore.loaders import Loader


USER_AGENT = f"APN/1.0 Ansible/{ansible_version} datalab.notebooks"
NO_REGION = "This module requires a region. Set AWS_REGION or the option region"


@cache
def data_loader() -> Loader:
    """The reader of botocore's data: one for this process, which reads each file once."""
    loader: Loader = get_session().get_component("data_loader")
    return loader


@cache
def load_service_model(service: str = "sagemaker") -> ServiceModel:
    """botocore's model of a service, without a client and so without a region or credentials."""
    return ServiceModel(data_loader().load_service_model(service, "service-2"), service)


def _with_profile(module: AnsibleAWSModule, profile: str) -> Any:
    """The parameters that amazon.aws reads from a module, with this profile instead of its credentials."""
    others = dict.fromkeys(("access_key", "secret_key", "session_token"), "")
    return SimpleNamespace(params={**module.params, **others, "profile": profile}, fail_json=module.fail_json)


class Session:
    """Makes clients as AnsibleAWSModule does, but all from one boto3 session.

    AnsibleAWSModule makes a session for each client; reading botocore's data anew takes it 0.1 s of CPU each time, and
    credentials are asked for as often. `profile` takes the place of the module's credentials.
    """

    def __init__(self, module: AnsibleAWSModule, profile: str | None = None) -> None:
        region, endpoint_url, options = get_aws_connection_info(_with_profile(module, profile) if profile else module)
        profile = options.pop("profile_name", None)
        self._config = Config(user_agent=USER_AGENT).merge(options.pop("aws_config", None) or Config())
        self._options = {"region_name": region, "endpoint_url": endpoint_url, **options}
        core = get_session()
        core.register_component("data_loader", data_loader())
        try:
            self._session: Any = Boto3Session(botocore_session=core, profile_name=profile)
        except BotoCoreError as error:
            raise NotebookError("Couldn't connect to AWS", error) from error
        self._lock = Lock()

    @property
    def region(self) -> str:
        """The region that the options or the environment name; raises NotebookError where none is."""
        region = self._options["region_name"] or self._session.region_name
        if not region:
            raise NotebookError(NO_REGION)
        return str(region)

    def client(self, service: str, config: dict[str, Any] | None = None, region: str | None = None) -> Any:
        """A client of this service, with these settings of botocore's Config besides the module's own.

        It is of another region if one is given. Raises NotebookError where none is known, or the options make no
        client.
        """
        merged = self._config.merge(Config(**(config or {})))
        try:
            with self._lock:  # a session is not made for threads
                options = {**self._options, **({"region_name": region} if region else {})}
                return self._session.client(service, config=merged, **options)
        except NoRegionError as error:  # STS has an endpoint without one
            raise NotebookError(NO_REGION) from error
        except (ValueError, BotoCoreError) as error:
            raise NotebookError("Couldn't connect to AWS", error) from error
