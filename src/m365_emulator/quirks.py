"""The habits of the real service that a test may ask for: lag, short pages, repetition.

Each is documented behaviour that a correct client survives. Failures (429, 503, cut connections)
are not habits; they are in `faults.py`. Everything random here is seeded, so a run can be repeated.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
Size = Annotated[int, Meta(ge=1, le=10_000)]
Amount = Annotated[float, Meta(ge=0)]


class Quirks(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Replace the whole value to change a habit: `tenant.quirks = replace(tenant.quirks, ...)`.

    `replication_delay_s` and `replication_delay_reads` keep a change from readers until so many
    seconds have passed and so many directory reads have been answered.
    `short_pages` and `empty_pages` are the share of pages that come short or empty, though more
    follows. `delta_duplicates` is the share of objects that a delta round tells twice, and
    `delta_replays` of changes told again in the next round.
    `missing_photo_as_pixel` answers for a photo that is not there with metadata of 1x1 pixels, the
    other of the two ways that Microsoft documents.
    `secrets_forbidden` and `secret_days_at_most` are the tenant's app management policy: client
    secrets are refused, or those that would live longer.
    """

    replication_delay_s: Amount = 0.0
    replication_delay_reads: Annotated[int, Meta(ge=0)] = 0
    short_pages: Share = 0.0
    empty_pages: Annotated[float, Meta(ge=0, le=0.9)] = 0.0
    delta_duplicates: Share = 0.0
    delta_replays: Share = 0.0
    delta_page_objects: Size = 200
    delta_page_members: Size = 1000
    page_link_minutes: Amount = 60.0
    missing_photo_as_pixel: bool = False
    secrets_forbidden: bool = False
    secret_days_at_most: Annotated[int, Meta(ge=1)] | None = None
    seed: int = 0
