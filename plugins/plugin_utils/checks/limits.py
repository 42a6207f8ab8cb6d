# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Variables of people of a restricted group that are outside the group's limits.

IAM keeps people to the limits when they act for themselves. A run acts with the rights of the one who starts it, so the
same limits have to hold for what the inventory asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from ansible_collections.datalab.notebooks.plugins.module_utils.common.errors import some_of
from ansible_collections.datalab.notebooks.plugins.plugin_utils.people import HOST, Settings, Wishes
from ansible_collections.datalab.notebooks.plugins.plugin_utils.problems import shown
from ansible_collections.datalab.notebooks.plugins.plugin_utils.teams import normalised_teams

AUTOSTOP = "autostop"
IDLE_TIMEOUT = f"{HOST}idle_timeout"
IDLE_MAXIMUM = f"{HOST}idle_timeout_maximum"
MODE = f"{HOST}autostop"
STEPS = f"{HOST}steps"


class Limit(NamedTuple):
    """A variable of a person, whether it is within the limits, the allowed values, and the remedy."""

    variable: str
    value: Any
    is_within: bool
    allowed: str
    remedy: str


class Given(NamedTuple):
    """Values of instances that do not come from their people's variables."""

    access: Settings
    fleet: Settings
    network: Settings | None  # its subnet_ids and security_group_ids, as far as they are known; None: there is none


def limit_problems(wishes: Wishes, limits: Settings, given: Given, sharers: Collection[str] = ()) -> Iterator[str]:
    """One sentence for each variable that is outside the limits of this person's team.

    Invalid limits are reported by the section access. `sharers` are those outside of the team who have the same
    lifecycle configuration.
    """
    team = wishes.person.team
    for limit in (
        *_of_the_instance(wishes.instance, limits),
        *_of_the_place(wishes.instance, given),
        _of_the_role(wishes, given),
        *_of_autostop(wishes),
        *_of_the_configuration(wishes, sharers),
    ):
        if not limit.is_within:
            yield (
                f"{limit.variable} is {shown(limit.value)}, but platform_access_teams limits the team {team} to"
                f" {limit.allowed}; {limit.remedy}"
            )


def _of_the_instance(instance: Settings, limits: Settings) -> Iterator[Limit]:
    types, most = limits.get("instance_types"), str(limits.get("volume_size_in_gb"))
    name = "notebook_instance_type"
    of_type = not isinstance(types, list) or instance.get(name) in (None, *types)
    yield Limit(name, instance.get(name), of_type, ", ".join(map(str, types or ())), "choose one of these")
    name = "notebook_volume_size_in_gb"
    is_small = not most.isdecimal() or instance.get(name, 0) <= int(most)
    yield Limit(name, instance.get(name), is_small, f"{most} GiB", "choose a smaller one")
    name = "notebook_root_access"
    yield Limit(name, instance.get(name), not instance.get(name), "false", "set it to false for this team")
    name = "notebook_minimum_instance_metadata_service_version"
    yield Limit(name, instance.get(name), instance.get(name, "2") == "2", "2", "leave it out")


def _of_the_place(instance: Settings, given: Given) -> Iterator[Limit]:
    """The network: without a list every value is allowed, and AWS's default is direct access to the internet."""
    internet, subnet = instance.get("notebook_direct_internet_access"), instance.get("notebook_subnet_id")
    is_placed = bool(given.fleet["subnet_id"]) or given.network is not None
    yield Limit(
        "notebook_direct_internet_access",
        internet,
        internet is False or (internet is None and is_placed),
        "false",
        "set it to false, since AWS's default is true",
    )
    if not is_placed and not subnet:
        yield Limit("notebook_subnet_id", subnet, False, "a subnet", "set notebook_fleet_subnet_id, or this variable")
    for name, key in (("subnet_id", "subnet_ids"), ("security_group_ids", "security_group_ids")):
        listed, of_network = given.access[key], (given.network or {}).get(key, ())
        if own := instance.get(f"notebook_{name}"):
            yield _named(f"notebook_{name}", own, listed or of_network, key)
        elif everybodys := given.fleet[name]:
            yield _named(f"notebook_fleet_{name}", everybodys, listed or of_network, key)
        elif listed:
            yield _given_by_network(f"notebook_{name}", of_network, listed, key)


def _named(variable: str, value: Any, allowed: Sequence[str | None], key: str) -> Limit:
    """The subnet or the groups that the inventory names."""
    return Limit(
        variable,
        value,
        set([value] if isinstance(value, str) else value) <= set(allowed),
        ", ".join(filter(None, allowed)) or "those of the platform's network",
        f"leave it out, or list it in platform_access_{key}",
    )


def _given_by_network(variable: str, of_network: Sequence[str | None], allowed: Sequence[str], key: str) -> Limit:
    """The first subnet of the network, or its group, where the inventory names none."""
    ids = of_network[:1]
    return Limit(
        f"{variable}, which platform_network gives,",
        "not there yet" if None in ids else ", ".join(map(str, ids)),
        set(ids) <= set(allowed),
        ", ".join(allowed),
        f"leave platform_access_{key} empty for what the network has, or set {variable} to what it lists",
    )


def _of_the_role(wishes: Wishes, given: Given) -> Limit:
    """The execution role, which decides the data that an instance can read."""
    person, access = wishes.person, given.access
    own = wishes.instance.get("notebook_role_arn")
    role = own or given.fleet["role_arn"]
    team = normalised_teams(access["teams"]).get(person.team, {})
    name = f"{access['name']}-{person.team}{f'-{person.name}' if team.get('role_per_person') else ''}"
    is_own = not role or role == access["role_arn"] or role.endswith(f":role/{access['name']}/{name}")
    return Limit(
        "notebook_role_arn" if own else "notebook_fleet_role_arn",
        role,
        is_own,
        access["role_arn"] or f"the role {name}",
        "leave it out, or set platform_access_role_arn if everybody has this role",
    )


def _of_autostop(wishes: Wishes) -> Iterator[Limit]:
    """Variables by which autostop would never stop the instance."""
    idle = str(wishes.instance.get("notebook_idle") or "")
    always = "instances that stop when idle"
    ends = idle != "never" and not (idle.isdecimal() and int(idle) == 0)
    yield Limit("notebook_idle", idle, ends, always, "set a number of seconds, or leave it out")
    timeout, steps = wishes.host[IDLE_TIMEOUT], wishes.host[STEPS]
    yield Limit(IDLE_TIMEOUT, timeout, timeout > 0, always, "set a number of seconds, or leave it out")
    most = wishes.host[IDLE_MAXIMUM]  # IAM cannot limit what people write into their tag
    remedy = "set a number of seconds, for example 14400, in a notebook_lifecycle_config of this team"
    yield Limit(IDLE_MAXIMUM, most, most > 0, f"{always}, whatever their tag idle says", remedy)
    yield Limit(STEPS, steps, AUTOSTOP in steps, always, f"add {AUTOSTOP}")
    mode = wishes.host[MODE]
    yield Limit(MODE, mode, mode == "stop", always, "set it to stop, or leave it out")


def _of_the_configuration(wishes: Wishes, sharers: Collection[str]) -> Iterator[Limit]:
    """Its scripts run as root, with what others need; the standard one is everybody's."""
    if wishes.config:
        remedy = f"it is also that of {some_of(list(sharers))}: choose another, or leave it out for the standard one"
        yield Limit("notebook_lifecycle_config", wishes.config, not sharers, "configurations of its own", remedy)
