"""The page of doubtful matches: what waits is shown, decided with one click, and undone."""

from core.sketches import extension, person
from doubles.house import House
from doubles.web_fillings import save_persons
from doubles.web_visitor import Visitor
from jackfield.core.extensions import ExtensionFields
from jackfield.store.phones import save_extensions

ANN = person("Ann Field")


async def doubt(house: House) -> None:
    """Two extensions bear Ann's address, one of them made for another account."""
    fields = ExtensionFields("A.", "Field", ANN.mail)
    async with house.database.write() as tx:
        now = house.clock.now()
        await save_persons(tx, [ANN], now)
        found = [extension("300", fields), extension("301", fields, external_key="somebody")]
        await save_extensions(tx, 1, found, 1)


async def test_the_tab_counts_what_waits(house: House, admin: Visitor) -> None:
    """As the last plan counted: nobody who looks at users has everybody planned who waits.

    The page of matches counts afresh; what was decided since is left out everywhere at once.
    """

    async def tabs() -> list[bool]:
        paths = ("/users", "/users/not-synced", "/users/not-made-again", "/users/matches")
        return ["Doubtful matches 1" in (await admin.get(path)).page.text for path in paths]

    await house.connect(house.raise_stage(0))
    await house.choose(enabled=True)
    await doubt(house)
    before = await tabs()
    await house.sync()
    planned = await tabs()
    await admin.post("/users/matches", {"person": ANN.id, "extension": "e300", "verdict": "theirs"})
    decided = await tabs()

    assert before == [False, False, False, True]
    assert planned == [True, True, True, True]
    assert decided == [False, False, False, False]


async def test_a_doubt_is_decided_on_the_page_and_undone_there(
    house: House, admin: Visitor
) -> None:
    """Without a script, by keyboard: two buttons and a page that comes back."""
    await doubt(house)
    before = (await admin.get("/users/matches")).page.text
    choice = {"person": ANN.id, "extension": "e300", "verdict": "theirs"}

    answer = await admin.post("/users/matches", choice)
    after = (await admin.get("/users/matches")).page.text
    await admin.post("/users/matches", {**choice, "verdict": "undecided"})
    undone = (await admin.get("/users/matches")).page.text

    assert "More than one extension bears ann-field@example.org: 300, 301." in before
    assert "made for another account; cannot be taken over" in before
    assert (answer.status, answer.headers["location"]) == (303, "/users/matches")
    assert "Nothing is doubtful." in after
    assert "Theirs" in after
    assert "Waiting for a decision" in undone
    assert "More than one extension" in undone


async def test_what_cannot_be_decided_is_said_on_the_page(house: House, admin: Visitor) -> None:
    """A click on a page that has become old, or a made-up form."""
    await doubt(house)
    taken = {"person": ANN.id, "extension": "e301", "verdict": "theirs"}

    other = await admin.post("/users/matches", taken)
    gone = await admin.post("/users/matches", {**taken, "extension": "e999"})
    empty = await admin.post("/users/matches", {})

    assert [one.status for one in (other, gone, empty)] == [409, 404, 409]
    assert "was made for another account" in other.page.text
    assert "There is no extension e999" in gone.page.text
    assert "Say which extension" in empty.page.text
