# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Calls to AWS: repeated after a throttle, many at a time, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import PaginatorConfigTypeDef

PAGES: PaginatorConfigTypeDef = {"PageSize": 100}  # the most items of one answer
THROTTLING = ["ThrottlingException"]
POOL_SIZE = 10  # also botocore's default number of connections

T = TypeVar("T")
R = TypeVar("R")


def retry(function: Callable[..., R]) -> Callable[..., R]:
    """Repeats a throttled call.

    botocore gives up after 2 throttles, and AWSRetry does not know SageMaker's code for one unless it is told. A
    decorator of AWSRetry keeps count of one call at a time; threads need one each.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> R:
        again = AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=30, catch_extra_error_codes=THROTTLING)
        result: R = again(function)(*args, **kwargs)
        return result

    return call


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The function's results for all items, in their order; boto3 clients may be shared by threads."""
    with ThreadPoolExecutor(POOL_SIZE) as pool:
        return list(pool.map(function, items))


def by_name(function: Callable[[str], R], names: list[str]) -> dict[str, R]:
    """The results of a function by its argument."""
    return dict(zip(names, in_parallel(function, names), strict=True))
