# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refusals of requests signed for a region that their service does not have; moto would answer with an HTML page."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from botocore.session import Session
from moto.core.utils import get_service_model

from .calls import signed_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MESSAGE = "Credential should be scoped to a valid region, not '{}'."
OF_S3 = "The authorization header is malformed; the region '{}' is wrong; expecting 'us-east-1'"

GLOBAL = ("budgets",)  # global, though botocore has regions in other partitions; signed for the caller's region

# By protocol: status, error code, and the XML around the error.
IN_XML = {
    "ec2": ("401 Unauthorized", "AuthFailure", "<Response><Errors>{}</Errors></Response>"),
    "query": ("403 Forbidden", "SignatureDoesNotMatch", "<ErrorResponse>{}</ErrorResponse>"),
    "rest-xml": ("400 Bad Request", "AuthorizationHeaderMalformed", "{}"),
}


class RefuseUnknownRegions:
    """A WSGI layer that answers as AWS does to a signature for another region, in the service's own protocol."""

    def __init__(self, app: WSGIApplication):
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        service, region = signed_for(environ.get("HTTP_AUTHORIZATION", ""))
        if not service or region in _regions(service):
            return self._app(environ, start_response)
        status, headers, body = refusal(service, region)
        start_response(status, [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]


def refusal(service: str, region: str) -> tuple[str, dict[str, str], bytes]:
    """Return the refusal of a service: status, headers and body."""
    protocol = get_service_model(service).resolved_protocol
    message = (OF_S3 if protocol == "rest-xml" else MESSAGE).format(region)
    if "json" in protocol:
        code = "InvalidSignatureException"
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
        status = "403 Forbidden" if protocol == "rest-json" else "400 Bad Request"
        return status, headers, json.dumps({"__type": code, "message": message}).encode()
    status, code, around = IN_XML[protocol]
    body = around.format(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
    return status, {"Content-Type": "text/xml"}, body.encode()


@cache
def _regions(service: str) -> frozenset[str]:
    """Return the regions of a service, or all regions (those of EC2) for a global service."""
    session = Session({"profile": (None, None, None, None)})  # ignores AWS_PROFILE

    def of(name: str) -> frozenset[str]:
        partitions = session.get_available_partitions()
        return frozenset(region for each in partitions for region in session.get_available_regions(name, each))

    return of("ec2") if service in GLOBAL else of(service) or of("ec2")
