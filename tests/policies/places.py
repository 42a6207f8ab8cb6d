# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Places: where people may open instances from.

AWS evaluates the same policies again each time the URL is used.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePresignedNotebookInstanceUrl.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .asking import ALICE, ERIN, IVY, NOTHING, OWN, Decision, Who, keys

OPEN = "sagemaker:CreatePresignedNotebookInstanceUrl"
# A request through an endpoint has no aws:SourceIp, and one from the internet has no aws:SourceVpce.
ADDRESSES = [{"aws:SourceIp": address} for address in ("203.0.113.0", "203.0.113.255", "2001:db8:a::1")]
ENDPOINTS = [{"aws:SourceVpce": endpoint} for endpoint in ("vpce-0a", "vpce-0b")]
ELSEWHERE = [
    *({"aws:SourceIp": address} for address in ("203.0.112.255", "198.51.100.7", "10.0.0.7", "2001:db8:b::1")),
    *({"aws:SourceVpce": endpoint} for endpoint in ("vpce-0c", "vpce-0a0")),
    {"aws:VpcSourceIp": "203.0.113.7", "aws:SourceVpce": "vpce-0c"},
    {},
]


def at(who: Who, place: dict[str, str], policies: str = "") -> Who:
    """Return a person in another place; `policies` is the prefix of the names of the deciding policies."""
    rest = {key: value for key, value in who.asks_as.context.items() if key != "aws:SourceIp"}
    identity = [policies + name for name in who.asks_as.identity]
    name = f"{who.name} at {' and '.join(place.values()) or 'no known place'}"
    return Who(name, replace(who.asks_as, context={**rest, **place}, identity=identity))


def of_places() -> Iterator[Decision]:
    """Yield all decisions about places."""
    for who in (ALICE, ERIN, IVY):
        things = [OWN[who.name], *([OWN["viewer"]] if who is not IVY else [])]
        for thing in things:
            for place in (*ADDRESSES, *ENDPOINTS):
                yield at(who, place).may("opens one", OPEN, thing)
            for place in ELSEWHERE:
                yield at(who, place).must_not("opens one", OPEN, thing)
        for place in ELSEWHERE:
            yield from _what_needs_no_place(at(who, place), who.name)
        yield from _of_one_kind(who)


def _what_needs_no_place(who: Who, name: str) -> Iterator[Decision]:
    yield who.may("lists instances", "sagemaker:ListNotebookInstances", NOTHING)
    for verb in ("DescribeNotebookInstance", "StartNotebookInstance", "StopNotebookInstance"):
        yield who.may("uses their own", f"sagemaker:{verb}", OWN[name])
    yield who.may("sets idle", "sagemaker:AddTags", OWN[name], context=keys("idle"))


def _of_one_kind(who: Who) -> Iterator[Decision]:
    """Yield the decisions with one kind of place: with addresses only, an endpoint is not enough; and vice versa."""
    own = OWN[who.name]
    for policies, enough, other in (("addresses-", ADDRESSES, ENDPOINTS), ("endpoints-", ENDPOINTS, ADDRESSES)):
        for place in enough:
            yield at(who, place, policies).may(f"opens one, with {policies}only", OPEN, own)
        for place in (*other, *ELSEWHERE):
            yield at(who, place, policies).must_not(f"opens one, with {policies}only", OPEN, own)
    for place in (*ADDRESSES, *ENDPOINTS, *ELSEWHERE):
        yield at(who, place, "all-").may("opens one, with neither", OPEN, own)
