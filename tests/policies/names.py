# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names: what people with unusual names may do, and who may use which lifecycle configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .asking import CONFIG, OWN, UMA, Decision, Who, keys, notebook, person
from .people import SMALL

OF_ZOES_EMAIL = notebook("datalab-zoe-example-com", owner="zoe@example.com", team="interns")
CREATE, UPDATE = "sagemaker:CreateNotebookInstance", "sagemaker:UpdateNotebookInstance"


def of_names() -> Iterator[Decision]:
    """Yield all decisions about names."""
    yield from _of_a_namesake_of_the_viewer()
    yield from _of_an_email_name()
    yield from _of_tagged_people()
    yield from _of_own_configs()
    for action in ("sagemaker:AddTags", "sagemaker:DeleteTags"):
        yield UMA.may("sets idle of hers", action, OWN["uma"], context=keys("idle"))
    yield UMA.may_not("creates a second one", CREATE, notebook("datalab-uma"), context=small("uma"))
    yield UMA.may_not("creates the one that she has", CREATE, notebook("special"), context=small("uma"))


def small(name: str, **changes: Any) -> dict[str, Any]:
    """Return the context of a request for a small instance of this person."""
    return {**SMALL, "aws:RequestTag/owner": name, **changes}


def _of_a_namesake_of_the_viewer() -> Iterator[Decision]:
    """Yield the decisions about a user with the name of a viewer, whose tag owner has that name, too."""
    for team in ("research", "interns"):
        who = person("viewer", team)
        for verb in ("StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance", "ListTags"):
            yield who.may_not("rules the viewer", f"sagemaker:{verb}", OWN["viewer"])
        for action in ("sagemaker:AddTags", "sagemaker:DeleteTags"):
            yield who.may_not("makes the viewer stop", action, OWN["viewer"], context=keys("idle"))
        request = small("viewer", **{"aws:RequestTag/team": team})
        yield who.may_not(
            "creates the viewer before the fleet does", CREATE, notebook("datalab-viewer"), context=request
        )


def _of_an_email_name() -> Iterator[Decision]:
    """Yield decisions about a name with @, which no instance can have: only the fleet replaces it, and creates one."""
    name = "zoe@example.com"
    who, own = person(name, "interns"), OF_ZOES_EMAIL
    for verb in ("CreatePresignedNotebookInstanceUrl", "StartNotebookInstance", "StopNotebookInstance"):
        yield who.may("uses their own", f"sagemaker:{verb}", own)
        yield who.may_not("uses that of a namesake", f"sagemaker:{verb}", notebook("datalab-zoe", owner="zoe"))
    yield who.may("changes their own", UPDATE, own)
    for instance in ("datalab-zoe-example-com", "datalab-zoe", "datalab"):
        yield who.may_not("creates theirs", CREATE, notebook(instance), context=small(name))


def _of_tagged_people() -> Iterator[Decision]:
    """Yield decisions about a user with an e-mail name whose tag has the inventory's name: they create their own."""
    session = replace(person("zoe@example.com", "interns").asks_as, identity=["tagged-datalab-people-interns"])
    zoe = Who("zoe", replace(session, context={**session.context, "aws:PrincipalTag/owner": "zoe"}))
    nameless = Who("a user without the tag", session)
    own, new = notebook("datalab-zoe", owner="zoe", team="interns"), notebook("datalab-zoe")
    yield zoe.may("creates theirs", CREATE, new, context=small("zoe"))
    for verb in ("CreatePresignedNotebookInstanceUrl", "StartNotebookInstance", "StopNotebookInstance"):
        yield zoe.may("uses their own", f"sagemaker:{verb}", own)
        yield zoe.may_not("uses that of the e-mail name", f"sagemaker:{verb}", OF_ZOES_EMAIL)
        yield nameless.may_not("uses that of the e-mail name", f"sagemaker:{verb}", OF_ZOES_EMAIL)
    for who in (zoe, nameless):
        yield who.may_not("creates Ivy's", CREATE, notebook("datalab-ivy"), context=small("ivy"))
        theirs = small("zoe@example.com")
        yield who.may_not(
            "creates that of the e-mail name", CREATE, notebook("datalab-zoe-example-com"), context=theirs
        )
    yield nameless.may_not("creates Zoe's", CREATE, new, context=small("zoe"))


def _of_own_configs() -> Iterator[Decision]:
    """Yield the decisions about configurations that give access to one person's own file system or access point."""
    ivy = person("ivy", "interns")
    ivy = replace(ivy, asks_as=replace(ivy.asks_as, identity=["apart-datalab-people-interns"]))
    for name in ("datalab-ivy", "datalab-small-ivy"):
        theirs = {"sagemaker:NotebookInstanceLifecycleConfigArns": [CONFIG + name]}
        yield ivy.may(f"creates one with {name}", CREATE, notebook("datalab-ivy"), context=small("ivy", **theirs))
        yield ivy.may(f"takes {name}", UPDATE, OWN["ivy"], context=theirs)
    for names in (["datalab"], ["datalab-iris"], ["datalab-viewer"], ["datalab-ivy2"], ["datalab-ivy", "datalab-iris"]):
        others = {"sagemaker:NotebookInstanceLifecycleConfigArns": [CONFIG + name for name in names]}
        new = notebook("datalab-ivy")
        yield ivy.may_not(f"creates one with {names}", CREATE, new, context=small("ivy", **others))
        yield ivy.may_not(f"takes {names}", UPDATE, OWN["ivy"], context=others)
