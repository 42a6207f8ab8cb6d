# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""The errors of this collection, and their remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

from .amazon import is_boto3_error_code, is_boto3_error_message

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

R = TypeVar("R")

ENDED = "The credentials have expired: log in again, for example by aws sso login."
WRONG_KEY = (
    "AWS does not know the access key, or the secret key is wrong: aws sts get-caller-identity says who you are."
)
NO_ANSWER = "Check region, endpoint_url and the network: 'make sandbox' or 'make laptop' starts a sandbox."
# By the exception, or by AWS's error code. Other errors explain themselves.
REMEDIES = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRetrievalError"), ENDED),
    **dict.fromkeys(("SSOTokenLoadError", "UnauthorizedSSOTokenError", "CredentialRetrievalError"), ENDED),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"), WRONG_KEY),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), WRONG_KEY),
    "OptInRequired": "The account does not use this service or region yet: enable it in AWS's console, under Account.",
    "ProfileNotFound": "See aws configure list-profiles, and correct AWS_PROFILE or the option profile.",
    "ConnectTimeoutError": "Check the network, the proxy (HTTPS_PROXY) and the option region.",
    "SSLError": "Set aws_ca_bundle to the certificates of your proxy.",
    "NoCredentialsError": "Set AWS_PROFILE or the options access_key and secret_key, or use the sandbox: make sandbox.",
    "EndpointConnectionError": NO_ANSWER,
    "NoRegionError": "Set the option region, which playbooks take from platform_aws, or AWS_REGION.",
}


class NotebookError(AnsibleAWSError):
    """A call to AWS failed, an instance did not reach its state, or the request is not possible."""

    def __str__(self) -> str:
        text = f"{self.message}: {self.exception}" if self.exception else str(self.message)
        answer = getattr(self.exception, "response", {}).get("Error", {})
        remedy = REMEDIES.get(type(self.exception).__name__) or REMEDIES.get(answer.get("Code", ""))
        return f"{text.rstrip('.')}. {remedy}" if remedy else text


class InputError(NotebookError):
    """The request is refused before anything is changed; one problem per line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(message="\n".join(problems))


class NotebookErrorHandler(AWSErrorHandler):
    """The error handler of amazon.aws, with SageMaker's codes for a missing resource."""

    _CUSTOM_EXCEPTION = NotebookError
    _MISSING_CODE = "ValidationException"
    _MISSING_MESSAGES: tuple[str, ...] = ("RecordNotFound", "does not exist", "Cannot find CodeRepository")

    @classmethod
    def _is_missing(cls) -> Any:
        # The code also reports bad input; only its message tells them apart.
        if any(is_boto3_error_message(text) is ClientError for text in cls._MISSING_MESSAGES):
            return is_boto3_error_code(cls._MISSING_CODE)
        return is_boto3_error_code(())


def or_error(read: Callable[[], R]) -> R | NotebookError:
    """The result of `read`, or the error of AWS. A lost connection is raised: it is not the trouble of one resource."""
    try:
        return read()
    except NotebookError as error:
        if not hasattr(error.exception, "response"):
            raise
        return error


def is_refusal(error: NotebookError, *codes: str) -> bool:
    """Whether AWS has answered with one of these codes."""
    return error.exception is not None and isinstance(error.exception, is_boto3_error_code(codes, error.exception))


def some_of(names: list[str]) -> str:
    """The first five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


@contextmanager
def reporting_errors(module: AnsibleAWSModule) -> Iterator[None]:
    """Ends the module with the message of a NotebookError, its remedy, and the response of AWS, if any."""
    try:
        yield
    except NotebookError as error:
        response = getattr(error.exception, "response", None)
        answer = {"error": camel_dict_to_snake_dict(response["Error"])} if response else {}
        module.fail_json(msg=str(error), **answer)
