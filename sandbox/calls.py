# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outer layer of the server, which counts AWS calls and answers requests to the sandbox itself."""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto.core.utils import get_service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from botocore.model import OperationModel

# boto3's names of services whose requests are signed with another name.
BOTO_NAMES = {
    "elasticfilesystem": "efs",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
}
RESTFUL = ("efs", "s3")  # services whose operations are identified only by method and URL
OWN_PATHS = ("/moto-api", "/favicon.ico")


class CountCalls:
    """A WSGI layer that counts AWS requests by operation, and serves the count at /sandbox/calls."""

    def __init__(self, app: WSGIApplication, status: Callable[[], dict[str, Any]], copy: Callable[[], str]):
        self._app = app
        self._status = status
        self._copy = copy
        self._calls: Counter[str] = Counter()
        self._by_ansible: set[str] = set()
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        # A signed request for this path is one for a bucket with the name "sandbox".
        if path.startswith("/sandbox/") and "HTTP_AUTHORIZATION" not in environ:
            return self._own(environ["REQUEST_METHOD"], path, start_response)
        if not path.startswith(OWN_PATHS):
            name = call_name(environ)
            with self._lock:
                self._calls[name] += 1
                if "Ansible/" in environ.get("HTTP_USER_AGENT", ""):  # in the user agent of all modules of amazon.aws
                    self._by_ansible.add(name)
        return self._app(environ, start_response)

    def _own(self, method: str, path: str, start_response: StartResponse) -> Iterable[bytes]:
        status = "200 OK"
        answer: dict[str, Any] = {}
        if (method, path) == ("GET", "/sandbox/calls"):
            with self._lock:
                answer = dict(sorted(self._calls.items()))
        elif (method, path) == ("DELETE", "/sandbox/calls"):
            with self._lock:
                self._calls.clear()
        elif (method, path) == ("GET", "/sandbox/by-ansible"):
            with self._lock:
                answer = {"operations": sorted(self._by_ansible)}
        elif (method, path) == ("GET", "/sandbox/status"):
            answer = {"pid": os.getpid(), **self._status()}
        elif (method, path) == ("POST", "/sandbox/copy"):
            answer = {"endpoint": self._copy()}
        else:
            status, answer = "404 Not Found", {"message": f"The sandbox has no {method} {path}."}
        body = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def call_name(environ: WSGIEnvironment) -> str:
    """Return the AWS operation that a request calls: "service:Operation", or "service:METHOD path" if it is unknown."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    service = _service(environ.get("HTTP_AUTHORIZATION", ""), target)
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    operation = target.rpartition(".")[2] or _action(environ) or _restful(service, method, path, environ)
    return f"{service}:{operation or f'{method} {path}'}"


def signed_for(authorization: str) -> tuple[str, str]:
    """Return boto3's name of the service, and the region, that a request was signed for; empty if it was not signed."""
    signed = re.search(r"Credential=[^/,]+/\d+/([^/,]*)/([^/,]+)/aws4_request", authorization)
    return (_boto_name(signed[2]), signed[1]) if signed else ("", "")


def _service(authorization: str, target: str) -> str:
    return signed_for(authorization)[0] or _boto_name(re.sub(r"_\d+$", "", target.partition(".")[0]) or "unknown")


def _boto_name(name: str) -> str:
    return BOTO_NAMES.get(name.lower(), name.lower())


def _restful(service: str, method: str, path: str, environ: WSGIEnvironment) -> str | None:
    asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).keys()
    given = asked | environ.keys()
    routes = _routes(service) if service in RESTFUL else []
    found = (name for name, at, uri, needs in routes if at == method and uri.fullmatch(path) and needs <= given)
    return next(found, None)


@cache
def _routes(service: str) -> list[tuple[str, str, re.Pattern[str], frozenset[str]]]:
    """Return the operations of a service: name, method, pattern of the path, and the required query and headers.

    Operations with the most required parameters and headers come first.
    """
    model = get_service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    routes = []
    for each in operations:
        path, _, query = each.http["requestUri"].partition("?")
        pattern = re.sub(r"{\w+}", "[^/]+", re.sub(r"{\w+\+}", ".+", path))
        needs = frozenset([*parse_qs(query, keep_blank_values=True), *_headers(each)])
        if not each.deprecated:
            routes.append((each.name, each.http["method"], re.compile(pattern), needs))
    return sorted(routes, key=lambda route: -len(route[3]))


def _headers(operation: OperationModel) -> Iterator[str]:
    """Yield the required headers of an operation, by their names in WSGI."""
    shape = operation.input_shape
    required = [shape.members[name].serialization for name in shape.required_members] if shape else []
    for member in required:
        if member.get("location") == "header":
            yield "HTTP_" + member["name"].upper().replace("-", "_")


def _action(environ: WSGIEnvironment) -> str | None:
    """Return the Action of a query request, which is in the URL or in a form in the body."""
    query = environ.get("QUERY_STRING", "")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        query += "&" + body.decode(errors="replace")
    actions = parse_qs(query).get("Action")
    return actions[0] if actions else None
