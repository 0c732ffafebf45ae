"""What may be run: lanes, flows, schedules, and how a run is named. Both runners hold one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.durable.run import Flow, Json, Lane, RunId, UnknownFlowError, recordable

# No colon: a run's id is `flow:key:tail` or `flow:tail`, and must be told apart again.
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Defined:
    """One flow: its name, where it queues, and what runs."""

    name: str
    lane: Lane
    flow: Flow


class Catalogue:
    """Filled before the runner starts, read afterwards."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.lanes = tuple(lanes)
        if len({lane.name for lane in lanes}) != len(self.lanes):
            raise ValueError("two lanes have the same name")
        self.flows: dict[str, Defined] = {}
        self.schedules: dict[str, str] = {}

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"flow {name!r}: a name is lower-case letters, digits, and . _ -")
        if name in self.flows:
            raise ValueError(f"flow {name} is defined twice")
        if lane not in self.lanes:
            raise ValueError(f"flow {name}: its lane {lane.name} is not one of this runner's")
        self.flows[name] = Defined(name, lane, flow)

    def every(self, cron: str, name: str) -> None:
        from croniter import croniter  # type: ignore[import-untyped]  # ships no types

        if not croniter.is_valid(cron, second_at_beginning=True):
            raise ValueError(f"schedule of {name}: {cron!r} is not a cron line")
        if name in self.schedules:
            raise ValueError(f"flow {name} has two schedules")
        self.call(name, ())
        self.schedules[name] = cron

    def named(self, name: str) -> Defined:
        try:
            return self.flows[name]
        except KeyError:
            raise UnknownFlowError(f"no flow is named {name!r}") from None

    def call(self, name: str, args: tuple[Json, ...]) -> tuple[Defined, tuple[Json, ...]]:
        """The flow and its arguments as they will be recorded; raises what is wrong with them."""
        defined = self.named(name)
        inspect.signature(defined.flow).bind(None, *args)
        return defined, tuple(
            recordable(arg, f"argument {at} of {name}") for at, arg in enumerate(args, 1)
        )


def run_id(name: str, key: str | None, tail: str) -> RunId:
    """The id says flow and key: nothing else of a run that was taken over still knows the key."""
    return RunId(f"{name}:{tail}" if key is None else f"{name}:{key}:{tail}")


def key_of(run: RunId, name: str) -> str | None:
    """The key in a run's id; None without one, or for a scheduled run."""
    if not run.startswith(f"{name}:"):
        return None
    key, colon, _tail = run.removeprefix(f"{name}:").rpartition(":")
    return key if colon else None


def fruitless_starts(before: tuple[int, int], recorded: int) -> tuple[int, int]:
    """Count starts since the last finished step: (steps, starts) as noted before, and now."""
    steps, starts = before
    return (recorded, 1) if recorded > steps else (steps, starts + 1)
