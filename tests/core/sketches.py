"""Small pictures for the core's tests: people, groups and phone systems in one line each."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from jackfield.core.actions import Action, Plan
from jackfield.core.departments import Group
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.numbering import NumberRange
from jackfield.core.people import GroupId, ObjectId, Person
from jackfield.core.pictures import Summary, View
from jackfield.core.rules import PhoneLimits, RemoveAfter

LIMITS = PhoneLimits((NumberRange("100", "999"),))
NO_FIELDS = ExtensionFields()
AT_ONCE = RemoveAfter(0, 0, 0)
"""A leaver whose extension is to be removed loses it in the same plan."""


def rule(id_: str) -> Callable[..., Any]:
    """Puts the id of a rule of behaviour (facts of the manual, section 15) into a test's id."""
    return pytest.mark.parametrize("rule", [id_], ids=[id_], indirect=True)


def person(name: str, **changes: Any) -> Person:
    """A licensed member called "Given Surname", whose id is the name in lower case."""
    given, _, surname = name.partition(" ")
    id_ = name.lower().replace(" ", "-")
    about = {
        "id": ObjectId(id_),
        "upn": f"{id_}@example.org",
        "mail": f"{id_}@example.org",
        "display_name": name,
        "given_name": given,
        "surname": surname,
        "has_mailbox": True,
    }
    return Person(**(about | changes))


def fields_of(someone: Person) -> ExtensionFields:
    """What the extension of a sketched person says when all is well."""
    return ExtensionFields(someone.given_name, someone.surname, someone.mail)


def extension(number: str, fields: ExtensionFields = NO_FIELDS, **more: Any) -> Extension:
    """An extension whose key is its number with an "e" before it."""
    return Extension(ExtensionKey(f"e{number}"), ExtensionNumber(number), fields, **more)


def link(someone: Person, number: str, **more: Any) -> Link:
    """A link to the extension of that number, all fields agreed on."""
    about = {
        "person": someone.id,
        "key": ExtensionKey(f"e{number}"),
        "number": ExtensionNumber(number),
        "agreed": fields_of(someone),
    }
    return Link(**(about | more))


def group(name: str, **more: Any) -> Group:
    """A group whose id is its name in lower case."""
    return Group(GroupId(name.lower()), name, **more)


def department(name: str, **more: Any) -> Department:
    """A department whose key is its name in lower case with a "d-" before it."""
    return Department(DepartmentKey(f"d-{name.lower()}"), name, **more)


def department_link(of: Group, to: Department, **more: Any) -> DepartmentLink:
    """A link between a group and a department, the department's name agreed on."""
    about = {
        "group": of.id,
        "key": to.key,
        "agreed_name": to.name,
        "group_name": of.name,
    }
    return DepartmentLink(**(about | more))


def view(
    people: Iterable[Person] = (),
    *,
    links: Iterable[Link] = (),
    extensions: Iterable[Extension] = (),
    members: dict[str, Iterable[Person]] | None = None,
    groups: Iterable[Group] = (),
    departments: Iterable[Department] = (),
    department_links: Iterable[DepartmentLink] = (),
    used: Iterable[str] = (),
    **more: Any,
) -> View:
    """A view; the numbers of its extensions are used, and its links are all there are."""
    people, links, extensions = tuple(people), tuple(links), tuple(extensions)
    memberships = {
        someone.id: frozenset(
            GroupId(group_id)
            for group_id, those in (members or {}).items()
            if someone.id in {member.id for member in those}
        )
        for someone in people
    }
    return View(
        people={someone.id: someone for someone in people},
        links={known.person: known for known in links},
        extensions={known.key: known for known in extensions},
        memberships=memberships,
        groups={known.id: known for known in groups},
        departments={known.key: known for known in departments},
        department_links={known.group: known for known in department_links},
        used_numbers=frozenset(used) | {known.number for known in extensions},
        **({"summary": Summary(linked=len(links))} | more),
    )


def settled(*people: Person, first: int = 100, **more: Any) -> View:
    """A view in which everybody has an extension and nothing is left to do."""
    numbers = [str(first + offset) for offset in range(len(people))]
    return view(
        people,
        links=[link(one, number) for one, number in zip(people, numbers, strict=True)],
        extensions=[
            extension(number, fields_of(one), external_key=one.id)
            for one, number in zip(people, numbers, strict=True)
        ],
        **more,
    )


def only(plan: Plan) -> Action:
    """The plan's one action; nothing held, nothing refused."""
    assert not plan.held
    assert not plan.refusals
    (action,) = plan.actions
    return action
