"""What a people run is asked to do, and what follows from who waits for it."""

from __future__ import annotations

import msgspec

from jackfield.core.schedule import Mode
from jackfield.flows.patience import HURRIED, PATIENT, Patience
from jackfield.store.runs import Trigger


class Ask(msgspec.Struct, frozen=True):
    """What a run is asked to do."""

    mode: Mode = Mode.DELTA
    trigger: Trigger = Trigger.SCHEDULE
    by: str = ""
    person: str = ""
    """Only this person, by object ID or UPN."""
    preview: bool = False
    """Stop with the plan; nothing is changed."""
    plan: int = 0
    """Carry this approved plan out, and look at nothing; 0 = make one."""

    @property
    def kind(self) -> str:
        """What its row calls it."""
        if self.plan:
            return "approved"
        if self.preview:
            return "preview"
        return "person" if self.person else self.mode.value

    @property
    def is_for_all(self) -> bool:
        """Whether it does what a schedule or a wish waits for."""
        return not (self.preview or self.person or self.plan)

    @property
    def patience(self) -> Patience:
        """Somebody waits for a run about one person."""
        return HURRIED if self.person else PATIENT
