"""Groups in groups, as readers see them: everybody below one, and every group above something."""

from collections.abc import Callable, Iterable

from m365_emulator.registers import Memberships, Register
from m365_emulator.resources import Group, ObjectId

_KEPT = 32


class Nesting:
    """Walks memberships downwards and upwards, and keeps what it found until readers see more."""

    def __init__(self, memberships: Memberships, groups: Register[Group]) -> None:
        self._memberships = memberships
        self._groups = groups
        self._walked: dict[tuple[str, ObjectId], tuple[int, list[ObjectId]]] = {}

    def members(self, group_id: ObjectId, horizon: int) -> list[ObjectId]:
        """Everybody and every group below this one, sorted; circles are walked once.

        `horizon` is the replication's: what was found is good until it moves.
        """
        return self._walk("members", group_id, self._memberships.seen_members, horizon)

    def parents(self, object_id: ObjectId, horizon: int) -> list[ObjectId]:
        """Every group above, sorted."""
        return self._walk("parents", object_id, self._memberships.seen_parents, horizon)

    def _walk(
        self,
        way: str,
        start: ObjectId,
        step: Callable[[ObjectId], Iterable[ObjectId]],
        horizon: int,
    ) -> list[ObjectId]:
        walked = self._walked.get((way, start))
        if walked and walked[0] == horizon:
            return walked[1]
        found: set[ObjectId] = set()
        todo = [start]
        while todo:
            fresh = set(step(todo.pop())) - found
            found |= fresh
            if way == "parents":
                todo.extend(fresh)
            else:
                todo.extend(each for each in fresh if self._groups.seen(each))
        ids = sorted(found)
        if len(self._walked) >= _KEPT:
            self._walked.clear()
        self._walked[way, start] = (horizon, ids)
        return ids
