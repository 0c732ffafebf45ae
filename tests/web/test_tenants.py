"""Two tenants in one console: which one a page is about, and that no form meets the wrong one."""

import asyncio
import re
from urllib.parse import quote

import pytest

from doubles.house import House
from doubles.web_visitor import Console, Visitor


@pytest.fixture
async def two(house: House, admin: Visitor) -> Visitor:
    """An administrator of an installation with two connected, synced organisations."""
    await house.tenants.add("Second", by="admin")
    for tenant, host in ((1, "localhost:8365"), (2, "localhost:8400")):
        stage = house.raise_stage(people=0, host=host)
        stage.tenant.hire("Nina Newcomer" if tenant == 1 else "Olga Other")
        await house.connect(stage, tenant, sync=True)
        await house.sync(tenant, full=True)
    return admin


async def test_with_one_tenant_no_address_bears_a_number(admin: Visitor) -> None:
    """Whoever has one organisation never sees that there could be more, but for one way there."""
    answer = await admin.get("/users")

    assert answer.status == 200
    assert "/t/" not in answer.text
    assert "switch-all" in answer.page.ids()
    assert "switch" not in answer.page.ids()


async def test_several_tenants_begin_with_all_of_them(two: Visitor) -> None:
    """The day of a provider: who is in sync, who is not."""
    answer = await two.get("/")
    assert (answer.status, answer.headers["location"]) == (303, "/tenants")

    page = (await two.get("/tenants")).page

    assert page.text.count("In sync") == 2
    assert "Second" in page.text


async def test_every_link_of_a_tenants_page_stays_at_that_tenant(two: Visitor) -> None:
    """One link that forgets the tenant shows, or changes, somebody else's phones."""
    elsewhere = re.compile(r"/(static|tenants|logout|t/2)\b")
    for path in ("", "users", "users/not-synced", "users/m365", "departments", "numbers",
                 "numbers/held", "numbers/reserved", "numbers/departments", "plans/1", "runs",
                 "runs/1", "journal"):  # fmt: skip
        answer = await two.get(f"/t/2/{path}")
        assert answer.status == 200, path

        for tag, attributes in answer.page.tags:
            for name, value in attributes.items():
                leads = name in {"href", "action", "src", "formaction", "data-live"}
                if not (leads or name.startswith("hx-")) or not (value or "").startswith("/"):
                    continue
                if attributes.get("id", "") in {"switch-1", "switch-2"}:
                    continue
                assert elsewhere.match(value or ""), (path, tag, name, value)


async def test_a_form_meets_the_tenant_of_its_page(two: Visitor, house: House) -> None:
    """Two tabs, two customers: what is sent from one changes nothing in the other."""
    await two.get("/t/2/runs")

    answer = await two.post("/t/2/sync", {"mode": "delta"})
    await house.runner.idle()

    assert answer.headers["location"] == "/t/2/runs"
    assert (len(await house.runs(1)), len(await house.runs(2))) == (1, 2)


async def test_a_stream_of_a_tenant_has_nothing_to_answer_a_head_with(two: Visitor) -> None:
    """Its GET never ends: each such question would look at the database twice a second for ever."""
    async with asyncio.timeout(5):
        answer = await two.ask("HEAD", "/t/2/live")

    assert answer.status == 405


async def test_an_address_without_a_tenant_asks_which_is_meant_and_goes_on_there(
    two: Visitor, house: House
) -> None:
    """A bookmark from when there was one tenant shows nobody's people by guess."""
    asked = await two.get("/users?q=nina&source=local")
    chosen = (await two.get(asked.headers["location"])).page
    plan = await two.get("/plans/7")
    part = await two.part("/users", "list")
    sent = await two.post("/sync", {"mode": "delta"})
    await house.runner.idle()

    assert asked.status == 303
    assert asked.headers["location"] == "/tenants?next=/users%3Fq%3Dnina%26source%3Dlocal"
    leads = {a["id"]: a["href"] for a in chosen.all("a") if "id" in a}
    assert leads["tenant-1"] == "/t/1/users?q=nina&source=local"
    assert leads["tenant-2"] == "/t/2/users?q=nina&source=local"
    assert "names no tenant" in chosen.text
    assert plan.headers["location"] == "/tenants?next=/plans/7"
    assert (part.status, part.headers["hx-redirect"]) == (200, "/tenants?next=/users")
    assert sent.status == 409
    assert "which is meant" in sent.text
    assert len(await house.runs(1)) == 1


@pytest.mark.parametrize(
    "onward",
    ["//evil.example/", "https://evil.example/", "/login", "/t/2/users", "/tenants", "x", "/\\x"],
)
async def test_a_tenant_that_is_chosen_leads_to_pages_of_that_tenant_only(
    two: Visitor, onward: str
) -> None:
    """What stands in an address may have been written by anybody."""
    page = (await two.get(f"/tenants?next={quote(onward)}")).page

    leads = {a["id"]: a["href"] for a in page.all("a") if "id" in a}
    assert leads["tenant-2"] == "/t/2/"
    assert "names no tenant" not in page.text


async def test_people_of_each_tenant_are_shown_at_their_own(two: Visitor) -> None:
    """The same page, two customers."""
    ours, theirs = await two.get("/t/1/users"), await two.get("/t/2/users")

    assert "Nina Newcomer" in ours.text
    assert "Olga Other" not in ours.text
    assert "Olga Other" in theirs.text
    assert "Nina Newcomer" not in theirs.text


async def test_an_administrator_of_one_tenant_sees_it_as_if_there_were_no_other(
    two: Visitor, console: Console
) -> None:
    """A customer's own administrator: no switch, no list, no other's page."""
    theirs = await console.signed_in(of_tenant=2)

    users = await theirs.get("/users")

    assert "Olga Other" in users.text
    assert not {"switch", "switch-all"} & set(users.page.ids())
    assert (await two.get("/t/1/users")).status == 200
    assert (await theirs.get("/t/1/users")).status == 404
    assert (await theirs.get("/tenants")).status == 403
    assert (await theirs.get("/tenants/journal")).status == 403
    assert (await theirs.get("/tenants/journal.csv")).status == 403
    assert "installation-journal" not in (await theirs.get("/journal")).page.ids()
    assert (await theirs.post("/tenants", {"name": "Mine"})).status == 403


async def test_pages_about_all_tenants_lead_to_none_by_chance(two: Visitor) -> None:
    """A menu there would open the pages of whichever customer comes first."""
    for path in ("/tenants", "/tenants/2"):
        ids = (await two.get(path)).page.ids()

        assert "menu-tenants" in ids
        assert "menu-users" not in ids


async def test_a_new_tenant_says_how_it_is_connected_by_its_number(two: Visitor) -> None:
    """Without it the command would be refused, for there are several."""
    await two.get("/tenants")
    await two.post("/tenants", {"name": "Third"})

    answer = await two.get("/t/3/")

    assert "jackfield connect --tenant 3 --tenant-id" in answer.page.text


async def test_a_tenant_is_added_renamed_and_removed_on_its_pages(two: Visitor) -> None:
    """As an administrator does it, with a slip at each form."""
    await two.get("/tenants")
    slip = await two.post("/tenants", {"name": "second"})
    long = await two.post("/tenants", {"name": "x" * 400})
    made = await two.post("/tenants", {"name": "Third"})
    renamed = await two.post("/tenants/3/rename", {"name": "Other name"})
    wrong = await two.post("/tenants/3/remove", {"name": "Third"})
    gone = await two.post("/tenants/3/remove", {"name": "Other name"})

    assert (slip.status, made.status, renamed.status) == (422, 303, 303)
    assert "already" in slip.page.text
    assert "has 400 characters; a tenant's has at most 100" in long.page.text
    # The browser would cut what is pasted there without a word.
    assert not any("maxlength" in one for one in long.page.all("input"))
    assert made.headers["location"] == "/t/3/"
    assert (wrong.status, gone.status) == (422, 303)
    assert "not that of the tenant" in wrong.page.text
    assert (await two.get("/tenants/3")).status == 404


async def test_whoever_has_to_sign_in_comes_back_to_the_tenant(console: Console) -> None:
    """The way back keeps the number."""
    answer = await console.visitor().get("/t/1/users")

    assert answer.headers["location"] == "/login?next=/t/1/users"


async def test_the_installation_has_a_journal_with_a_page(two: Visitor) -> None:
    """Who added the tenant, and who signed in: found by kind and words, and as a file."""
    page = (await two.get("/tenants/journal")).page
    accounts = (await two.get("/tenants/journal?kind=account")).page.text
    found = (await two.get("/tenants/journal?q=second")).page.text
    file = (await two.get("/tenants/journal.csv?kind=tenant")).body.decode()
    wrong = await two.get("/tenants/journal?kind=alarm")

    assert "“Second”" in page.text
    assert "signed in" in accounts
    assert "“Second” was added" not in accounts
    assert "“Second”" in found
    assert '"tenant.added"' in file
    assert "it takes tenant, account, token, vault." in wrong.page.text
    assert "installation-journal" in (await two.get("/tenants")).page.ids()
    assert "installation-journal" in (await two.get("/t/2/journal")).page.ids()
