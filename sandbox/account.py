# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the contents of the account in a file, from the end of one server to the start of the next.

The file has a line that identifies the code that has written it, and then a pickle of moto's backends. Other code does
not read it. It is read once and then removed, so that no outdated account comes back.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from moto.core.base_backend import BackendDict, BaseBackend

from .services import sagemaker
from .state import TOLD

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    Place = tuple[str, str, str, str]  # a module of moto's, its variable with backends, the account, the region

SOURCES = Path(__file__).parent
OF_MOTO = {"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"}  # the same in each process
LOCKS = (type(Lock()), type(RLock()))
KEYS = (RSAPrivateKey, EllipticCurvePrivateKey, Ed25519PrivateKey)
ATTEMPTS = 10


def _writer() -> bytes:
    """Return a line that identifies the running code."""
    code = hashlib.sha256(f"{sys.version} {version('moto')}".encode())
    for source in sorted(SOURCES.rglob("*.py")):
        code.update(source.read_bytes())
    return code.hexdigest().encode() + b"\n"


WRITER = _writer()  # computed at the start, since sources may change while the server runs


class AccountError(Exception):
    """The file must not be used; the message has the reason."""


def take_up(file: Path, extend: Callable[[str], None]) -> None:
    """Continue with the account of the last server; if that fails, log the reason and begin with an empty account."""
    try:
        if load(file, extend):
            sagemaker.resume()
    except Exception as error:  # noqa: BLE001  # whatever is in the file
        _tell(f"The account of the last run is not loaded, and this one is empty: {error or type(error).__name__}.")


def keep(file: Path) -> None:
    """Save the account for the next server; if that fails, log the reason."""
    try:
        sagemaker.switch_off()
        save(file)
    except Exception as error:  # noqa: BLE001  # the server goes on to end its machines
        _tell(f"The account is not kept, and the next one will be empty: {error}.")


def _tell(sentence: str) -> None:
    """Write a line to the server's log."""
    sys.stderr.write(f"{TOLD} {sentence}\n")


def save(file: Path) -> None:
    """Write the account to a file that only its owner can read."""
    content = _content()
    file.parent.chmod(0o700)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(WRITER + content)
    new.replace(file)


def load(file: Path, extend: Callable[[str], None]) -> bool:
    """Load the account if its file exists, and return whether it did; `extend` first extends each of its services."""
    if not file.exists():
        return False
    try:
        with file.open("rb") as saved:
            _check(file, saved)
            for module, _ in pickle.load(saved):  # noqa: S301  # _check has seen who has written it
                extend(module.split(".")[1])
            beside, remembered = _Unpickler(saved).load()
    finally:
        file.unlink()
    for place, attributes in remembered:
        vars(_backend(place)).clear()
        vars(_backend(place)).update(attributes)
    for (module, variable), attributes in beside:
        vars(getattr(import_module(module), variable)).update(attributes)
    return True


def _check(file: Path, saved: BinaryIO) -> None:
    for what in (file.parent.stat(), os.fstat(saved.fileno())):
        if what.st_uid != os.geteuid() or what.st_mode & 0o077:
            raise AccountError(f"{file} is open to users other than its owner")
    if saved.readline() != WRITER:
        raise AccountError("another version of the sandbox, of moto or of Python has written it")


def _content() -> bytes:
    """Return the pickled services; try again if a request that still runs has changed them meanwhile."""
    for _ in range(ATTEMPTS):
        try:
            return _pickled()
        except RuntimeError as error:  # a dictionary has changed its size meanwhile
            changed = error
    raise changed


def _pickled() -> bytes:
    services = {_where(service): service for service in list(BackendDict._instances)}  # type: ignore[misc]  # mypy: of which T?
    backends = {
        (*where, account, region): backend
        for where, service in services.items()
        for account, region, backend in service.iter_backends()
    }
    beside = [
        (where, {name: value for name, value in vars(service).items() if name not in OF_MOTO})
        for where, service in services.items()
    ]
    written = io.BytesIO()
    pickle.dump(list(services), written)
    _Pickler(written, backends).dump((beside, [(place, vars(backend)) for place, backend in backends.items()]))
    return written.getvalue()


def _where(service: BackendDict[Any]) -> tuple[str, str]:
    """Return the module and the variable that has the backends of a service."""
    module = service.backend.__module__
    return module, next(name for name, value in vars(import_module(module)).items() if value is service)


def _backend(place: Place) -> BaseBackend:
    module, variable, account, region = place
    backend: BaseBackend = getattr(import_module(module), variable)[account][region]
    return backend


class _Pickler(pickle.Pickler):
    """A pickler that writes a backend as its place, and also locks and the keys of KMS, which pickle cannot write."""

    def __init__(self, file: BinaryIO, backends: dict[Place, BaseBackend]) -> None:
        super().__init__(file)
        self._places = {id(backend): place for place, backend in backends.items()}

    def persistent_id(self, obj: Any) -> Place | None:
        return self._places.get(id(obj)) if isinstance(obj, BaseBackend) else None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, LOCKS):
            return (RLock if isinstance(obj, LOCKS[1]) else Lock), ()
        if isinstance(obj, KEYS):
            return _key, (obj.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)
        return NotImplemented


def _key(der: bytes) -> PrivateKeyTypes:
    return load_der_private_key(der, None)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Place) -> BaseBackend:
        return _backend(pid)
