"""A person's page: the groups they are in, and the way into those that hold others."""

from __future__ import annotations

from doubles.house import House
from doubles.web_fillings import fill, group_id, person_id
from doubles.web_visitor import Visitor
from jackfield.core.departments import Group
from jackfield.store.groups import Member, MemberKind, apply_member_changes, save_groups


async def test_a_group_in_a_group_is_explained(house: House, admin: Visitor) -> None:
    """Direct ones first; the way into the others, however long."""
    names = ["North", "Sales", "World", "Elsewhere"]
    groups = [Group(group_id(at), name) for at, name in enumerate(names)]
    inside = [
        Member(group_id(0), person_id(1)),
        Member(group_id(1), group_id(0), MemberKind.GROUP),
        Member(group_id(2), group_id(1), MemberKind.GROUP),
    ]
    async with house.database.write() as tx:
        await fill(tx, 3, house.clock.now())
        await save_groups(tx, 1, groups, 1, now=house.clock.now())
        await apply_member_changes(tx, 1, inside, [], 1)

    text = (await admin.get(f"/people/{person_id(1)}")).page.text

    assert "Groups North, Sales (through North) , World (through North › Sales) D" in text
    assert "Elsewhere" not in text
