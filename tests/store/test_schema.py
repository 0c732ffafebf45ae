"""Promises that every table keeps, now and when the next one is added."""

from sqlalchemy import Float, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.types import DateTime

from jackfield.store.tables import metadata


def tenant_is_first(metadata: MetaData) -> list[str]:
    """Keys, unique constraints and indexes that do not begin with `tenant`."""
    wrong: list[str] = []
    for table in metadata.tables.values():
        keys = {"primary key": list(table.primary_key.columns)}
        for one in (*table.constraints, *table.indexes):
            if isinstance(one, UniqueConstraint | Index):
                keys[str(one.name)] = list(one.columns)
        for name, columns in keys.items():
            if not columns or columns[0].name != "tenant":
                wrong.append(f"{table.name}: {name}")
    return wrong


def test_the_tenant_comes_first_in_every_key_and_index() -> None:
    """One query that forgets the tenant would show one customer another one's people."""
    assert tenant_is_first(metadata) == []


def test_a_table_without_the_tenant_would_be_noticed() -> None:
    """A check that cannot fail protects nobody."""
    careless = MetaData()
    person = metadata.tables["person"].to_metadata(careless)
    Index("ix_careless", person.c.upn, person.c.tenant)
    Table("forgotten", careless)

    assert tenant_is_first(careless) == ["person: ix_careless", "forgotten: primary key"]


def test_no_column_has_a_type_that_the_two_databases_see_differently() -> None:
    """SQLite keeps no time zone and rounds decimals; moments are numbers for that reason."""
    doubtful = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime | Float)
    ]

    assert doubtful == []
