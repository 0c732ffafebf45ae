"""What the API says about tenants, and takes to add one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from jackfield.flows.tenant_figures import SyncState
from jackfield.web.api.run_shapes import RunOut


class TenantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant's name."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=100, description="In one line, with a letter; no other's name."
        ),
    ]


class TenantOut(msgspec.Struct):
    """A tenant, and how it is."""

    number: int
    name: str
    created_at: datetime
    organisation: Annotated[str, msgspec.Meta(description="Empty before it is connected.")]
    sync: SyncState
    people: int
    linked: int
    extensions: int
    open_alarms: int
    waiting_plan: int | None
    last_run: RunOut | None
    removal: Annotated[
        str, msgspec.Meta(description="What a removal would delete; with one tenant asked for.")
    ] = ""


class TenantsOut(msgspec.Struct):
    """A page of tenants."""

    tenants: list[TenantOut]
    next: str | None
