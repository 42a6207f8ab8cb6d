# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every variable for tags, of all roles, with all kinds of tags that must be refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.datalab.notebooks.plugins.plugin_utils.checks.tags import OWN, OWN_KEYS
from ansible_collections.datalab.notebooks.plugins.plugin_utils.preflight import ALL
from ansible_collections.datalab.notebooks.plugins.plugin_utils.specs import checked
from ansible_collections.datalab.notebooks.plugins.plugin_utils.variables import person_options, platform_options

from .inventories import inventory, told

SPECS = {name: spec for name, spec in {**platform_options(), **person_options()}.items() if name.endswith("_tags")}
OF_TAGS = [name for name, spec in SPECS.items() if spec["type"] == "dict"]
OF_PLATFORM = {"platform": "set from notebook_fleet_prefix"}
SET = {  # the tags that the platform sets itself, and the message about them
    "notebook_tags": {
        "owner": "set from the host's name",
        "team": "set from notebook_team",
        "idle": "set from notebook_idle",
        **OF_PLATFORM,
    },
    "platform_network_tags": {"Name": "the name of each part", **OF_PLATFORM},
    "platform_storage_tags": {"Name": "the name of each part", **OF_PLATFORM},
    "platform_access_tags": {
        "owner": "the person of a role",
        "team": "the team of a role",
        "instance": "the instance of a role",
        **OF_PLATFORM,
    },
    "platform_costs_tags": OF_PLATFORM,
}
MOST = {
    "notebook_tags": 44,
    "platform_network_tags": 47,
    "platform_storage_tags": 47,
    "platform_access_tags": 46,
    "platform_costs_tags": 48,
}
ABOUT = {
    "notebook_tags": "alice",
    **{f"platform_{each}_tags": each for each in ("network", "storage", "access", "costs")},
}

IN_QUOTES = "it must be text; put it in quotes"
ONE_TEXT = "it must be text, so write it without brackets"
CHARACTERS = "it must consist of letters, digits, spaces and _.:/=+-@"
REFUSED: list[tuple[Any, str]] = [
    ("cost=42", " is cost=42; it must be a dictionary, for example {key: value}"),
    (["cost"], " is [cost]; it must be a dictionary, for example {key: value}"),
    (None, " is empty; write {} for none, or leave it out"),
    ({"a": None}, ': a is empty; write "" for none, or leave it out'),
    ({None: "a"}, ': one of the keys is empty; write "" for none, or leave it out'),
    ({"a": True}, f": a is true; {IN_QUOTES}: YAML takes yes, no, on and off for true and false"),
    ({False: "x"}, f": one of the keys is false; {IN_QUOTES}: YAML takes yes, no, on and off for true and false"),
    ({"a": ["x"]}, f": a is [x]; {ONE_TEXT}"),
    ({"a": {"b": "x"}}, f": a is {{b: x}}; {ONE_TEXT}"),
    ({"a": "x\n"}, ": a is 'x\\n'; it must be one line: YAML keeps the line end of a block that begins with | or >"),
    ({"a": "x\x1b"}, ": a is 'x\\x1b'; it must not have the character U+001B, which cannot be seen"),
    ({"a\n": "x"}, ": one of the keys is 'a\\n'; it must be one line: "),
    ({"password": "s3cret"}, ": password has a password; it must have none: "),
    ({"aws:x": "y"}, ": the key 'aws:x' is reserved; it must not begin with aws: or datalab:"),
    ({"Aws:x": "y"}, ": the key 'Aws:x' is reserved; it must not begin with aws: or datalab:"),
    *(
        ({key: "x"}, f": the key '{key}' is reserved; it must not begin with aws: or datalab:")
        for key in ("datalab:verified", "Datalab:Verified", "datalab:network", "datalab:storage", "DATALAB:x")
    ),
    (
        {"Cost-Center": "1", "other": "x", "cost-center": "2"},
        (
            ": the keys 'Cost-Center' and 'cost-center' differ in capitals only, and conditions of IAM treat both as"
            " one; remove one of them"
        ),
    ),
    ({"": "x"}, ": the key '' has 0 characters; it must have 1 to 128"),
    ({"k" * 129: "x"}, f": the key '{'k' * 40}…' has 129 characters; it must have 1 to 128"),
    ({"k": "v" * 257}, ": the value of 'k' has 257 characters; it must have at most 256"),
    ({"k*": "x"}, ": the key 'k*' is not allowed; " + CHARACTERS),
    ({"k": "R&D"}, ": the value of 'k' is 'R&D'; " + CHARACTERS),
]


def said_of(variable: str, tags: Any, **others: Any) -> list[str]:
    """Return the mistakes of an inventory with these tags, before the first change."""
    return told(inventory({"research": ["alice"]}, common={variable: tags, **others}), sections=ALL)


def test_every_variable_with_tags_is_here() -> None:
    assert set(OF_TAGS) == set(OWN) == set(SET) == set(MOST) == set(ABOUT)


@pytest.mark.parametrize("variable", OF_TAGS)
@pytest.mark.parametrize(("tags", "says"), REFUSED, ids=[says[:60] for _tags, says in REFUSED])
def test_a_mistake_is_one_sentence(variable: str, tags: Any, says: str) -> None:
    (line,) = said_of(variable, tags)
    assert line.startswith(f"{ABOUT[variable]}: {variable}{says}")
    assert "s3cret" not in line


@pytest.mark.parametrize("tags", ["cost=42", {"a": None}, {"aws:x": "y"}, {"owner": "x"}, {"Team": "x"}], ids=str)
@pytest.mark.parametrize("defaults", ["notebook_fleet_owner_defaults", "notebook_fleet_viewer_defaults"])
def test_defaults_of_people_are_checked_like_what_people_say(defaults: str, tags: Any) -> None:
    source = inventory({"research": ["alice"]}, viewers=["viewer"], common={defaults: {"notebook_tags": tags}})
    assert [line for line in told(source, sections=ALL) if "notebook_tags" in line]


@pytest.mark.parametrize(
    ("variable", "key", "what"), [(variable, key, what) for variable in OF_TAGS for key, what in SET[variable].items()]
)
def test_a_key_that_the_platform_sets_is_refused(variable: str, key: str, what: str) -> None:
    assert said_of(variable, {key: "x"}) == [f"{ABOUT[variable]}: {variable} has {key}, which is {what}; remove it"]


@pytest.mark.parametrize("isolation", ["access_point", "file_system"])
def test_storage_of_each_person_has_their_name(isolation: str) -> None:
    assert said_of("platform_storage_tags", {"owner": "x"}) == []
    assert said_of("platform_storage_tags", {"owner": "x"}, platform_storage_isolation=isolation) == [
        "storage: platform_storage_tags has owner, which is the person of each part; remove it"
    ]


@pytest.mark.parametrize(
    ("variable", "own"), [(variable, own) for variable in OF_TAGS for own in sorted({*OWN_KEYS, *SET[variable]})]
)
def test_a_key_of_the_platform_in_other_letters_is_refused_with_both(variable: str, own: str) -> None:
    written = {own.upper(), own.capitalize(), own.lower(), own[:-1] + own[-1].upper()} - {own}
    for key in sorted(written):
        assert said_of(variable, {key: "x"}) == [
            (
                f"{ABOUT[variable]}: {variable} has {key}, and the platform has {own};"
                f" conditions of IAM treat both as one: rename or remove {key}"
            )
        ]


@pytest.mark.parametrize("variable", OF_TAGS)
def test_there_may_be_as_many_as_aws_leaves(variable: str) -> None:
    most = MOST[variable]
    assert said_of(variable, {f"k{n}": "v" * 256 for n in range(most)}) == []
    assert said_of(variable, {f"k{n}": "v" for n in range(most + 1)}) == [
        (
            f"{ABOUT[variable]}: {variable}: {most + 1} tags are too many; there must be at most {most}: AWS takes 50,"
            f" {50 - most} of which are the platform's own"
        )
    ]


@pytest.mark.parametrize("variable", OF_TAGS)
def test_other_tags_are_taken(variable: str) -> None:
    tags = {"Cost-Center": "1", "Cost": "Größe 2", "cost_center": "a/b=c+d-e@f:g.h", "project": ""}
    assert said_of(variable, tags) == []
    assert checked(variable, {"a": 42, 2024: 1.5}, SPECS[variable]).value == {"a": "42", "2024": "1.5"}


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("cost*", "the key 'cost*' is not allowed; " + CHARACTERS),
        ("", "the key '' has 0 characters; it must have 1 to 128"),
        ("k" * 129, f"the key '{'k' * 40}…' has 129 characters; it must have 1 to 128"),
    ],
)
def test_cost_tags_are_keys(key: str, says: str) -> None:
    assert said_of("platform_access_cost_tags", [key]) == [f"access: platform_access_cost_tags: {says}"]
