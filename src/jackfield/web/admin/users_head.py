"""What stands above each page of Users: the figures in its lead and on a tab."""

from __future__ import annotations

from typing import Any

from jackfield.store.links import count_links
from jackfield.store.matches import count_doubtful
from jackfield.store.phones import count_extensions
from jackfield.store.transaction import Transaction


async def load_users_head(tx: Transaction, tenant: int) -> dict[str, Any]:
    """For `_users_head.html`."""
    return {
        "links": await count_links(tx, tenant),
        "extensions": await count_extensions(tx, tenant),
        "doubtful": await count_doubtful(tx, tenant),
    }
