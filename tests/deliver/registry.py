# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for a registry of images, which keeps in memory what podman pushes, so that podman can pull it.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import uuid

from tornado import httpserver, netutil, web

LARGEST = 1 << 30  # bytes of a layer


class Registry:
    """Blobs and manifests by their digests, and manifests by their tags."""

    def __init__(self) -> None:
        self.begun: dict[str, bytes] = {}
        self.kept: dict[str, tuple[str, bytes]] = {}  # by digest or "name:tag": content type and content

    def serve(self) -> str:
        """Serve the registry in the running event loop; return its address."""
        own = {"registry": self}
        routes = [
            (r"/v2/", There, own),
            (r"/v2/([\w/-]+)/blobs/uploads/([\w-]*)", Upload, own),
            (r"/v2/([\w/-]+)/(?:blobs|manifests)/([\w.:-]+)", Kept, own),
        ]
        (listening,) = netutil.bind_sockets(0, "127.0.0.1")
        server = httpserver.HTTPServer(web.Application(list(routes)), max_buffer_size=LARGEST)
        server.add_sockets([listening])
        return f"127.0.0.1:{listening.getsockname()[1]}"


class Handler(web.RequestHandler):
    """The base of all handlers."""

    def initialize(self, registry: Registry) -> None:
        self.registry = registry

    def done(self, status: int, **headers: str) -> None:
        self.set_status(status)
        for name, value in headers.items():
            self.set_header(name.replace("_", "-"), value)
        self.finish()


class There(Handler):
    """The handler that tells a client that this is a registry."""

    def get(self) -> None:
        self.finish({})


class Upload(Handler):
    """The handler that takes a blob, in parts or at once."""

    def post(self, name: str, _upload: str) -> None:
        upload = str(uuid.uuid4())
        self.registry.begun[upload] = b""
        self.done(202, Location=f"/v2/{name}/blobs/uploads/{upload}", Range="0-0")

    def patch(self, name: str, upload: str) -> None:
        self.registry.begun[upload] += self.request.body
        last = len(self.registry.begun[upload]) - 1
        self.done(202, Location=f"/v2/{name}/blobs/uploads/{upload}", Range=f"0-{last}")

    def put(self, name: str, upload: str) -> None:
        digest = self.get_argument("digest")
        content = self.registry.begun.pop(upload) + self.request.body
        if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
            return self.done(400)
        self.registry.kept[digest] = ("application/octet-stream", content)
        return self.done(201, Location=f"/v2/{name}/blobs/{digest}", Docker_Content_Digest=digest)


class Kept(Handler):
    """The handler of stored blobs and manifests."""

    def get(self, name: str, reference: str) -> None:
        found = self.registry.kept.get(reference) or self.registry.kept.get(f"{name}:{reference}")
        if not found:
            return self.done(404)
        self.set_header("Content-Type", found[0])
        self.set_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(found[1]).hexdigest()}")
        self.finish(found[1])
        return None

    def head(self, name: str, reference: str) -> None:
        self.get(name, reference)

    def put(self, name: str, reference: str) -> None:
        content = self.request.body
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        both = (self.request.headers["Content-Type"], content)
        self.registry.kept[digest] = self.registry.kept[f"{name}:{reference}"] = both
        self.done(201, Location=f"/v2/{name}/manifests/{digest}", Docker_Content_Digest=digest)
