"""Records are values: equal and hashed by what they hold, as frozen dataclasses are."""

from dataclasses import fields, replace

import pytest

from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.people import ObjectId, Person


def test_a_record_is_the_same_as_another_with_the_same_values() -> None:
    """Plans compare people and fields, and keep them in sets."""
    ann = Person(ObjectId("ann"), "ann@x.example")

    assert ann == Person(ObjectId("ann"), "ann@x.example")
    assert {ann, replace(ann), replace(ann, surname="Hill")} == {ann, replace(ann, surname="Hill")}


def test_a_record_takes_no_other_attributes() -> None:
    """A misspelt one must not be kept beside the real one."""
    ann = Person(ObjectId("ann"), "ann@x.example")

    with pytest.raises(AttributeError):
        ann.sirname = "Hill"  # type: ignore[attr-defined]


def test_the_fields_of_an_extension_have_their_names_in_their_order() -> None:
    """Rows of the database are read by position."""
    assert [one.name for one in fields(ExtensionFields)] == [one.value for one in Field]
