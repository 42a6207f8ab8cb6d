# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipes for clients of AWS, never with credentials: after a restore they use those of the instance."""

from __future__ import annotations

import importlib
from typing import Any

from ..live import attempt
from .common import Recipe, Reduced


def _client(client: Any, _: Any) -> Reduced:
    credentials = getattr(getattr(client, "_request_signer", None), "_credentials", None)
    if getattr(credentials, "method", "") == "explicit":
        raise TypeError("a client with credentials of its own, which are not saved")
    meta = client.meta
    options = dict(getattr(meta.config, "_user_provided_options", None) or {})
    for name in ("region_name", "user_agent", "user_agent_extra", "client_cert"):
        options.pop(name, None)
    args = ("client", meta.service_model.service_name, meta.region_name, meta.endpoint_url, options)
    return attempt, ("client of AWS", _boto, *args)


def _resource(resource: Any, how: Any) -> Reduced:
    meta = resource.meta
    _client(meta.client, how)  # refuses a client with credentials of its own
    what, client = "resource of AWS", meta.client.meta
    service = (meta.service_name, client.region_name, client.endpoint_url)
    if type(resource).__name__.endswith("ServiceResource"):
        return attempt, (what, _boto, "resource", *service, {})
    name = type(resource).__name__.rpartition(".")[2]
    values = [getattr(resource, identifier) for identifier in meta.identifiers]
    return attempt, (what, _part, name, values, service)


def _part(name: str, identifiers: list[Any], service: tuple[str, Any, Any]) -> Any:
    return getattr(_boto("resource", *service, {}), name)(*identifiers)


def _boto(kind: str, service: str, region: Any, endpoint: Any, options: dict[str, Any]) -> Any:
    config = importlib.import_module("botocore.config").Config(**options) if options else None
    make = getattr(importlib.import_module("boto3"), kind)
    return make(service, region_name=region, endpoint_url=endpoint, config=config)


def _session(session: Any, _: Any) -> Reduced:
    credentials = getattr(session._session, "_credentials", None)
    if getattr(credentials, "method", "") == "explicit":
        raise TypeError("a session with credentials of its own, which are not saved")
    profile = session._session.profile
    return attempt, ("session of AWS", _make_session, session.region_name, profile)


def _make_session(region: Any, profile: Any) -> Any:
    return importlib.import_module("boto3").Session(region_name=region, profile_name=profile)


RECIPES: dict[Any, Recipe] = {
    "botocore.client.BaseClient": _client,
    "boto3.resources.base.ServiceResource": _resource,
    "boto3.session.Session": _session,
}
