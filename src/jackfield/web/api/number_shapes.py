"""Extension numbers as the API tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from jackfield.core.number_forecast import Supply
from jackfield.core.number_reasons import NumberState


class PoolOut(msgspec.Struct):
    """A pool of numbers; `used`, `reserved`, `held` and `free` add up to `size`.

    `supply` is `soon` where it runs out within 30 days, `little` where fewer than 5 % and fewer
    than 20 numbers are free.
    """

    group: Annotated[
        str | None, msgspec.Meta(description="Object ID of the group it serves; null: everybody.")
    ]
    name: Annotated[str, msgspec.Meta(description="The group's name; empty: everybody.")]
    numbers: Annotated[str, msgspec.Meta(description="Its ranges, as people write them.")]
    size: int
    used: int
    reserved: Annotated[int, msgspec.Meta(description="Not used, and given to nobody else.")]
    held: Annotated[int, msgspec.Meta(description="Neither of these, and kept for who had them.")]
    free: int
    per_day: Annotated[
        float | None,
        msgspec.Meta(description="Newcomers a day, of the last 90 days; null: not known yet."),
    ]
    runs_out_at: Annotated[
        datetime | None,
        msgspec.Meta(description="Null: not known yet, or not within ten years."),
    ]
    supply: Supply
    outlook: Annotated[str, msgspec.Meta(description="When it runs out, in words.")]


class PoolsOut(msgspec.Struct):
    """Everybody's pool, then each department's; give `next` as `after` for the following ones."""

    pools: list[PoolOut]
    next: str | None


class HeldNumberOut(msgspec.Struct):
    """A released number that is kept for who had it."""

    number: str
    person: Annotated[str, msgspec.Meta(description="Object ID; empty: nobody is known.")]
    upn: str
    display_name: str
    released_at: datetime
    held_until: datetime


class HeldNumbersOut(msgspec.Struct):
    """Held numbers, shorter before longer; give `next` as `after` for the following ones."""

    numbers: list[HeldNumberOut]
    next: str | None


class ReservedOut(msgspec.Struct):
    """Numbers that are given to nobody by themselves, or only to one person."""

    numbers: Annotated[str, msgspec.Meta(description="A number, or a range: `700-709`.")]
    person: Annotated[str, msgspec.Meta(description="Object ID; empty: for nobody.")]
    upn: str
    display_name: str
    note: str
    remark: Annotated[
        str, msgspec.Meta(description="What it does not change: numbers in use; usually empty.")
    ]


class ReservedPage(msgspec.Struct):
    """Reservations as they were made; give `next` as `after` for the following ones."""

    reserved: list[ReservedOut]
    next: str | None


class ReservationIn(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers to reserve."""

    numbers: Annotated[str, msgspec.Meta(description="A number, or a range: `700-709`.")]
    person: Annotated[
        str, msgspec.Meta(description="UPN or object ID of who gets them; empty: nobody.")
    ] = ""
    note: Annotated[str, msgspec.Meta(description="Why, for whoever looks later.")] = ""
    confirm: Annotated[
        bool, msgspec.Meta(description="Also numbers that are in use: whoever has one keeps it.")
    ] = False


class GivenOut(msgspec.Struct):
    """Numbers for the members of one group, and for nobody else."""

    group: Annotated[str, msgspec.Meta(description="Object ID.")]
    name: Annotated[str, msgspec.Meta(description="Empty where it is not known any more.")]
    numbers: Annotated[str, msgspec.Meta(description="Its ranges, as people write them.")]


class GivenPage(msgspec.Struct):
    """Departments' numbers as they were given; give `next` as `after` for the following ones."""

    departments: list[GivenOut]
    next: str | None


class RangesIn(msgspec.Struct, forbid_unknown_fields=True):
    """A department's numbers."""

    numbers: Annotated[str, msgspec.Meta(description="Ranges: `200-299, 400-450`.")]


class NumberOut(msgspec.Struct):
    """One number, and why it is so; `state` is the first that fits, `outside` in no pool."""

    number: str
    state: NumberState
    extension: Annotated[str | None, msgspec.Meta(description="Key of the extension with it.")]
    person: Annotated[str | None, msgspec.Meta(description="Whose extension that is.")]
    held_for: Annotated[
        str | None, msgspec.Meta(description="Who had it, while it is held; empty: nobody known.")
    ]
    held_until: datetime | None
    reserved: Annotated[bool, msgspec.Meta(description="Given to nobody else.")]
    pools: Annotated[
        list[str], msgspec.Meta(description="The groups whose pool it is in; empty: everybody's.")
    ]
    reasons: Annotated[list[str], msgspec.Meta(description="All of it, in sentences.")]
