"""An application that was enabled again: who syncs by hand sees it at once."""

from doubles.house import House
from jackfield.store.runs import RunStatus


async def test_without_a_connection_the_next_step_is_said_once(house: House) -> None:
    """Twice in a row reads like a fault."""
    run = await house.sync()

    (alarm,) = await house.alarms()
    assert alarm.text == "Microsoft 365 is not connected yet."
    assert alarm.next_step.startswith("Connect it first")
    assert run.text == f"{alarm.text} {alarm.next_step}"


async def test_a_sync_by_hand_asks_entra_again(house: House) -> None:
    """A minute of "it is disabled", after it was enabled, sends people looking elsewhere."""
    stage = house.raise_stage(people=2)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    app = house.apps["localhost:8365"]
    stage.registrations.enable(app, enabled=False)
    stage.tokens.revoke(app)
    refused = await house.sync()

    stage.registrations.enable(app, enabled=True)
    mended = await house.sync()

    assert (refused.status, mended.status) == (RunStatus.FAILED, RunStatus.DONE)
    assert "disabled in this tenant" in refused.text
