"""The dialog behind the M365 button: what it saves, what it refuses and where it says so."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from doubles.house import House
from doubles.web_fillings import a_person, fill, group_id, person_id, save_persons
from doubles.web_visitor import Answer, Console, Visitor
from jackfield.core.attributes import AttributeRules, NumberForm, Source
from jackfield.core.departments import DepartmentRules, DepartmentSource, Group
from jackfield.core.number_pools import DepartmentRange, NumberRules, Reservation
from jackfield.core.numbering import NumberRange
from jackfield.core.people import LeaverPolicy, Scope, ScopeRules, Standing
from jackfield.core.rules import GuardRules, PeopleRules, RemoveAfter, Threshold
from jackfield.core.schedule import ScheduleRules
from jackfield.store.groups import Member, apply_member_changes, save_groups
from jackfield.store.journal import purge_journal
from jackfield.store.people_rounds import mark_removed
from jackfield.store.settings import Approval, PeopleSettings
from jackfield.web.admin.frame import triggering
from jackfield.web.admin.guards_form import FIGURES
from jackfield.web.admin.sync_form import changes_between, form_of, settings_of

RANGES = (NumberRange("100", "999"), NumberRange("2000", "2999"))
VALID = {
    "version": "0",
    "enabled": "on",
    "scope": Scope.ALL.value,
    "users": "",
    "mailbox_licence_only": "on",
    "start": "",
    "hold_days": "30",
    "recreate": "on",
    "source": DepartmentSource.SCOPE.value,
    "follow_details": "on",
    "photos": "on",
    "follows_name": "givenName_surname",
    "follows_email": "mail_else_userPrincipalName",
    "follows_mobile": "mobilePhone",
    "follows_job_title": "jobTitle",
    "follows_company": "companyName",
    "follows_office": "officeLocation",
    "follows_caller_id": "businessPhones",
    "caller_id_form": "e164",
    "country": "",
    "on_deleted": "keep",
    "on_disabled": "keep",
    "on_out_of_scope": "keep",
    "remove_after_deleted": "30",
    "remove_after_disabled": "30",
    "remove_after_out_of_scope": "30",
    "nightly_hour": "2",
    "time_zone": "",
    "interval": "60",
    "approve": "automatic",
}

SURE = {"leavers": "99", "drastic": "save"}
"""The answer of somebody who was told that many people would become leavers."""


async def send(admin: Visitor, **changes: object) -> Answer:
    """Save as the dialog does."""
    return await admin.post("/users/m365", {**VALID, **changes}, hx_request="true")  # type: ignore[dict-item]


@pytest.fixture
async def directory(house: House) -> None:
    """Sixty people and thirty groups, as last seen."""
    async with house.database.write() as tx:
        now = house.clock.now()
        await fill(tx, 60, now)
        groups = [Group(group_id(number), f"Group {number:02d}") for number in range(30)]
        await save_groups(tx, 1, groups, 1, now=now)
        await apply_member_changes(tx, 1, [Member(group_id(3), person_id(1))], [], 1)


async def test_who_may_only_look_is_offered_nothing_else(house: House, console: Console) -> None:
    """A button that can only be refused is none; one sentence says why."""
    await house.connect(house.raise_stage(1))
    viewer = await console.signed_in("viewer")
    told = "Your account may look, but not change anything."

    for headers in ({}, {"hx_request": "true"}):
        page = (await viewer.get("/users/m365", **headers)).page
        assert told in page.text
        assert "sync-save" not in page.ids()
        whole = [one for one in page.all("fieldset") if one.get("class") == "whole"]
        assert ["disabled" in one for one in whole] == [True]
    users = (await viewer.get("/users")).page
    buttons = [one for one in users.all("button") if one.get("name") == "mode"]
    assert len(buttons) == 4
    assert all("disabled" in one for one in buttons)
    assert told in users.text


class TestSaving:
    """What was chosen is what is kept."""

    @pytest.mark.usefixtures("directory")
    async def test_everything_that_was_chosen_is_kept(self, house: House, admin: Visitor) -> None:
        answer = await send(
            admin,
            scope=Scope.SELECTED_GROUPS.value,
            scope_groups=[group_id(3), group_id(1)],
            guests="on",
            mailbox_licence_only="",
            start=" 250 ",
            ranges="200-299, 400 – 450;500",
            hold_days="7",
            recreate="",
            source=DepartmentSource.CHOSEN.value,
            department_groups=[group_id(2), group_id(3)],
            follow_details="",
            photos="",
            follows_name="displayName",
            follows_email="userPrincipalName",
            follows_mobile="businessPhones",
            follows_job_title="department",
            follows_company="officeLocation",
            follows_office="not_synced",
            follows_caller_id="mobilePhone",
            caller_id_form="as_it_came",
            country=" de ",
            on_deleted="disable",
            on_disabled="remove",
            remove_after_disabled="90",
            nightly_hour="23",
            time_zone="Europe/Berlin",
            interval="0",
            approve="by_hand",
        )

        assert answer.status == 204
        saved = await house.settings()
        assert saved == PeopleSettings(
            enabled=True,
            rules=PeopleRules(
                scope=ScopeRules(
                    Scope.SELECTED_GROUPS,
                    selected_groups=(group_id(3), group_id(1)),
                    guests=True,
                    mailbox_licence_only=False,
                ),
                numbers=NumberRules(
                    "250",
                    (
                        NumberRange("200", "299"),
                        NumberRange("400", "450"),
                        NumberRange("500", "500"),
                    ),
                    hold_days=7,
                ),
                recreate=False,
                departments=DepartmentRules(DepartmentSource.CHOSEN, (group_id(2), group_id(3))),
                on_deleted=LeaverPolicy.DISABLE,
                on_disabled=LeaverPolicy.REMOVE,
                remove_after=RemoveAfter(disabled=90),
                attributes=AttributeRules(
                    False,
                    Source.DISPLAY_NAME,
                    Source.USER_PRINCIPAL_NAME,
                    Source.BUSINESS_PHONES,
                    Source.DEPARTMENT,
                    Source.OFFICE_LOCATION,
                    Source.NOT_SYNCED,
                    Source.MOBILE_PHONE,
                    NumberForm.AS_IT_CAME,
                    "DE",
                ),
            ),
            schedule=ScheduleRules(0, 23, "Europe/Berlin"),
            approve=Approval.BY_HAND,
            photos=False,
        )
        assert saved.rules.numbers.start == "250"

    @pytest.mark.usefixtures("directory")
    async def test_it_opens_as_it_was_saved(self, admin: Visitor) -> None:
        await send(
            admin, scope=Scope.SELECTED.value, users=f"{person_id(4)} {person_id(9)}", **SURE
        )

        page = (await admin.get("/users/m365")).page

        inputs = {(one.get("name"), one.get("value")): one for one in page.all("input")}
        assert "checked" in inputs["scope", Scope.SELECTED.value]
        assert "checked" in inputs["enabled", "on"]
        assert ("users", f"{person_id(4)} {person_id(9)}") in inputs
        assert ("version", "1") in inputs

    async def test_what_is_surprising_about_numbers_is_said(self, admin: Visitor) -> None:
        """Ranges one in the other are kept, and not without a word."""
        answer = await send(admin, ranges="200-299, 250-260")

        assert answer.status == 204
        assert "The ranges 200-299 and 250-260 overlap" in answer.headers["hx-trigger"]

    async def test_the_figures_of_the_guards_are_kept(self, house: House, admin: Visitor) -> None:
        """Each in its own place, opened again as it was saved."""
        opened = filled(await admin.get("/users/m365", hx_request="true"))
        figures = {name: str(place) for place, name in enumerate(FIGURES, start=1)}

        answer = await send(admin, **(opened | figures | {"guard_removals_percent": "12,5"}))

        assert {opened[name] for name in FIGURES} == {"5", "10", "3", "30"}
        assert answer.status == 204
        assert (await house.settings()).rules.guards == GuardRules(
            removals=Threshold(1, 12.5),
            disables=Threshold(3, 4),
            renumberings=Threshold(5, 6),
            memberships=Threshold(7, 8),
            losses=Threshold(9, 10),
            departments=Threshold(11, 12),
            shrink_number=13,
            shrink_percent=14,
        )
        again = filled(await admin.get("/users/m365", hx_request="true"))
        assert again["guard_removals_percent"] == "12.5"
        assert again["guard_departments_number"] == "11"

    async def test_guards_that_a_form_does_not_have_are_left_alone(
        self, house: House, admin: Visitor
    ) -> None:
        """A click on Save in a page from before must not undo what was set."""
        guards = GuardRules(removals=Threshold(1, 1.0))
        await house.choose(PeopleRules(guards=guards))

        await send(admin, version="1", start="300")

        assert (await house.settings()).rules.guards == guards

    async def test_without_a_script_it_is_a_page_and_a_redirect(
        self, house: House, admin: Visitor
    ) -> None:
        page = await admin.get("/users/m365")

        answer = await admin.post("/users/m365", VALID)

        assert page.page.all("html")
        assert (answer.status, answer.headers["location"]) == (303, "/users")
        assert (await house.settings()).enabled

    async def test_without_a_script_a_refusal_is_a_page_too(self, admin: Visitor) -> None:
        answer = await admin.post("/users/m365", {**VALID, "start": "x"})

        assert answer.status == 422
        assert answer.page.all("html")
        assert "is not a number" in answer.page.text

    @pytest.mark.parametrize("at", ["", "/t/1"], ids=["one_tenant", "several"])
    async def test_a_page_of_its_own_goes_on_from_what_was_saved(
        self, house: House, admin: Visitor, at: str
    ) -> None:
        """A second save is no conflict with oneself, and after one with another there is none."""
        page = f"{at}/users/m365"
        place = {"hx_request": "true", "hx_current_url": f"http://127.0.0.1:8200{page}?x=1"}
        if at:
            await house.tenants.add("Second", by="admin")

        first = await admin.post(page, {**VALID, "start": "300"}, **place)
        second = await admin.post(page, {**filled(first), "start": "400"}, **place)
        await house.choose(PeopleRules(scope=ScopeRules(guests=True)))
        late = await admin.post(page, {**filled(second), "start": "500"}, **place)
        third = await admin.post(page, filled(late), **place)

        assert [one.status for one in (first, second, late, third)] == [200] * 4
        assert "jackfield:said" in second.headers["hx-trigger"]
        assert "while you did" in late.page.text
        assert "while you did" not in third.page.text
        assert f'href="{at}/users">Cancel' in third.text
        assert (await house.settings()).rules.numbers.start == "500"

    async def test_what_a_page_is_told_arrives_whatever_name_stands_in_it(self) -> None:
        """A quote would end the JSON; a letter beyond latin-1 cannot stand in a header."""
        said = '“Łukasz "Sales"” keeps 105.'

        header = triggering({"jackfield:close": "", "jackfield:said": said})["hx-trigger"]

        assert header.isascii()
        assert json.loads(header) == {"jackfield:close": "", "jackfield:said": said}

    async def test_the_journal_knows_who_did_it(self, house: House, admin: Visitor) -> None:
        await send(admin)

        line = (await house.lines())[0]
        assert (line.kind, line.by) == ("settings.changed", "administrator")


class TestRefusing:
    """A wrong value is said beside its field, and nothing that was typed is lost."""

    @pytest.mark.parametrize(
        ("changes", "field", "said"),
        [
            ({"start": "abc"}, "start", "is not a number"),
            ({"start": "9999999"}, "start", "no extension number from 9999999 on"),
            ({"start": "٣٠٠"}, "start", "only the digits 0 to 9"),
            ({"ranges": "200-2x0"}, "ranges", "“2x0” is not a number"),
            ({"ranges": "300-200"}, "ranges", "ends before it begins"),
            ({"ranges": "9000000-9000009"}, "ranges", "no extension numbers in 9000000–9000009"),
            ({"ranges": ",".join(["200"] * 101)}, "ranges", "101 ranges; at most 100"),
            ({"ranges": "200-299", "start": "300"}, "start", "is 300 or above"),
            ({"hold_days": "366"}, "hold_days", "cannot be held for 366 days; it takes 0 to 365"),
            ({"hold_days": "a month"}, "hold_days", "not a whole number"),
            ({"scope": "SyncSelected"}, "users", "Nobody is selected"),
            ({"scope": "SyncSelectedGroups"}, "scope_groups", "No group is selected"),
            ({"source": "chosen"}, "department_groups", "No group is chosen"),
            ({"nightly_hour": "24"}, "nightly_hour", "0 to 23"),
            ({"nightly_hour": "²"}, "nightly_hour", "not a whole number"),
            ({"interval": "3"}, "interval", "0 (off) or 5"),
            ({"interval": ""}, "interval", "takes a number"),
            ({"interval": "-60"}, "interval", "not a whole number"),
            ({"time_zone": "Europe/Atlantis"}, "time_zone", "There is no time zone"),
            ({"time_zone": "../../etc/passwd"}, "time_zone", "There is no time zone"),
            ({"scope": "evil"}, "scope", "Choose one of these"),
            ({"approve": ""}, "approve", "Choose one of these"),
            ({"remove_after_deleted": "3651"}, "remove_after_deleted", "0 to 3650"),
            ({"remove_after_disabled": "soon"}, "remove_after_disabled", "not a whole number"),
            ({"on_deleted": "shred"}, "on_deleted", "Choose one of these"),
            ({"guard_losses_number": "-1"}, "guard_losses_number", "not a whole number"),
            ({"guard_shrink_number": "1.5"}, "guard_shrink_number", "not a whole number"),
            ({"guard_removals_percent": "101"}, "guard_removals_percent", "takes 0 to 100"),
            ({"guard_disables_percent": "lots"}, "guard_disables_percent", "not a percentage"),
            ({"guard_memberships_percent": ""}, "guard_memberships_percent", "takes a number"),
        ],
    )
    async def test_each_wrong_value_is_located(
        self, house: House, admin: Visitor, changes: dict[str, str], field: str, said: str
    ) -> None:
        usual = form_of(PeopleSettings(), 0)

        answer = await send(admin, **({name: usual.text(name) for name in FIGURES} | changes))

        assert answer.status == 200
        beside = re.search(rf'id="{field}-wrong">.*?</small>', answer.text, re.DOTALL)
        assert beside is not None
        assert said in beside[0]
        assert "1 field needs another value" in answer.page.text
        assert (await house.settings()) == PeopleSettings()

    @pytest.mark.usefixtures("directory")
    async def test_what_was_typed_stays(self, admin: Visitor) -> None:
        """Twenty choices must not be lost to one typing error."""
        answer = await send(
            admin,
            scope=Scope.SELECTED.value,
            users=str(person_id(3)),
            department_groups=[group_id(7), group_id(5)],
            start="abc",
            time_zone="Europe/Atlantis",
        )

        fields = [(one.get("name"), one.get("value")) for one in answer.page.all("input")]
        assert ("start", "abc") in fields
        assert ("time_zone", "Europe/Atlantis") in fields
        assert ("users", str(person_id(3))) in fields
        groups = [value for name, value in fields if name == "department_groups"]
        assert groups[:2] == [group_id(7), group_id(5)]
        assert not answer.page.all("html")

    async def test_people_and_groups_that_nobody_knows_are_refused(self, admin: Visitor) -> None:
        """An id that was made up would silently select nobody."""
        answer = await send(
            admin,
            scope=Scope.SELECTED.value,
            users="nobody-at-all",
            department_groups=["no-group"],
        )

        assert answer.status == 200
        assert "1 of the selected people are not known" in answer.page.text
        assert "1 of the chosen groups are not known" in answer.page.text

    @pytest.mark.usefixtures("directory")
    async def test_somebody_chosen_who_has_left_does_not_block_saving(
        self, house: House, admin: Visitor
    ) -> None:
        """The choice stays until it is taken back."""
        await send(
            admin, scope=Scope.SELECTED.value, users=f"{person_id(1)} {person_id(2)}", **SURE
        )
        async with house.database.write() as tx:
            await mark_removed(tx, 1, [person_id(1)], Standing.GONE, now=house.clock.now())

        answer = await send(
            admin,
            version="1",
            scope=Scope.SELECTED.value,
            users=f"{person_id(1)} {person_id(2)}",
            start="300",
            **SURE,
        )

        assert answer.status == 204

    async def test_somebody_else_was_faster(self, house: House, admin: Visitor) -> None:
        """Their change is shown, mine is kept in the form, and nothing is overwritten unseen."""
        opened = await admin.get("/users/m365", hx_request="true")
        await house.choose(PeopleRules(scope=ScopeRules(guests=True)), enabled=True)

        answer = await send(admin, version="0", start="700")

        assert opened.status == 200
        assert answer.status == 200
        assert "admin changed these settings while you did" in answer.page.text
        assert "admin, 23 Nov 2026, 07:00 UTC : People sync: off became on." in answer.page.text
        assert "Include guests: off became on." in answer.page.text
        assert "Starting number:" not in answer.page.text  # mine is not told as theirs
        assert "checked" in next(
            one for one in answer.page.all("input") if one.get("id") == "guests"
        )
        fields = [(one.get("name"), one.get("value")) for one in answer.page.all("input")]
        assert ("version", "1") in fields
        assert ("start", "700") in fields
        assert (await house.settings()).rules.scope.guests
        assert (await send(admin, version="1", start="700")).status == 204
        assert not (await house.settings()).rules.scope.guests

    @pytest.mark.usefixtures("directory")
    async def test_both_changes_are_in_the_form_and_nothing_is_lost(
        self, house: House, admin: Visitor
    ) -> None:
        """Saving the form as it comes back keeps theirs and mine, also of the same list."""
        people = [person_id(number) for number in range(4)]
        scope = ScopeRules(Scope.SELECTED, frozenset(people[:2]))
        await house.choose(PeopleRules(scope=scope, on_disabled=LeaverPolicy.KEEP))
        theirs = ScopeRules(Scope.SELECTED, frozenset({people[0], people[2]}), guests=True)
        await house.choose(PeopleRules(scope=theirs, on_disabled=LeaverPolicy.REMOVE))

        answer = await send(
            admin,
            version="1",
            scope=Scope.SELECTED.value,
            users=" ".join([people[0], people[1], people[3]]),
            on_disabled="disable",
            time_zone="Europe/Berlin",
        )
        again = await admin.post("/users/m365", filled(answer), hx_request="true")

        beside = re.search(r'id="on_disabled-beside">.*?</small>', answer.text, re.DOTALL)
        assert beside is not None
        assert "admin has set this to “Remove the extension”" in beside[0]
        assert 'id="users-beside"' in answer.text
        assert again.status == 204
        saved = await house.settings()
        assert saved.rules.scope.selected_users == {people[0], people[2], people[3]}
        assert saved.rules.scope.guests
        assert saved.rules.on_disabled is LeaverPolicy.DISABLE
        assert saved.schedule.time_zone == "Europe/Berlin"

    async def test_everybody_who_saved_meanwhile_is_told(
        self, house: House, admin: Visitor
    ) -> None:
        """Each with what they changed, in their order."""
        await house.choose(PeopleRules(on_deleted=LeaverPolicy.DISABLE))
        house.clock.advance(3600)
        await house.choose(PeopleRules(), approval=Approval.BY_HAND)

        answer = await send(admin, version="0", start="700")

        said = answer.page.text
        first = said.index("23 Nov 2026, 07:00 UTC : Deleted in Microsoft 365: “Keep the")
        second = said.index("23 Nov 2026, 08:00 UTC : Deleted in Microsoft 365: “Disable the")
        assert first < second < said.index("Approval: “Carry plans out")

    async def test_a_form_of_unknown_age_keeps_what_was_typed(
        self, house: House, admin: Visitor
    ) -> None:
        """The journal of long ago is purged: what differs is said, and whose is not guessed."""
        await house.choose(PeopleRules(scope=ScopeRules(guests=True)))
        async with house.database.write() as tx:
            await purge_journal(tx, 1, before=house.clock.now() + timedelta(days=1))

        answer = await send(admin, version="0", start="700")

        assert "Include guests: saved is on, yours is off." in answer.page.text
        assert "Starting number: saved is nothing, yours is “700”." in answer.page.text
        fields = [(one.get("name"), one.get("value")) for one in answer.page.all("input")]
        assert ("start", "700") in fields

    @pytest.mark.hostile
    @pytest.mark.parametrize(
        "changes",
        [
            {"users": " ".join(f"u{n}" for n in range(100_001)), "scope": "SyncSelected"},
            {"scope_groups": [f"g{n}" for n in range(5_001)], "scope": "SyncSelectedGroups"},
            {"users": "\x00 \ud83d"},
            {"version": "-1"},
            {"version": "9" * 200},
            {"version": "1; DROP TABLE settings"},
            {"start": "1" * 5_000},
            {"time_zone": "A" * 100_000},
            {"enabled": ["on", "off", "on"]},
            {"scope": ["SyncAllUsers", "SyncSelected"]},
        ],
        ids=str,
    )
    async def test_forms_that_no_browser_sends_end_calmly(
        self, admin: Visitor, changes: dict[str, object]
    ) -> None:
        given = {
            name: value.encode("utf-8", "surrogatepass").decode("latin-1")
            if isinstance(value, str)
            else value
            for name, value in changes.items()
        }

        answer = await send(admin, **given)

        assert answer.status in {200, 204, 400}
        assert (await admin.get("/users/m365")).status == 200


@pytest.mark.usefixtures("directory")
class TestPickers:
    """People and groups are found, paged through, and stay chosen."""

    async def test_people_are_paged_in_order(self, admin: Visitor) -> None:
        first = await admin.get("/users/m365/people")
        following = next(
            str(one["hx-get"]) for one in first.page.all("button") if one["id"] == "users-next"
        )
        second = await admin.get(following)

        assert "60 people" in first.page.text
        assert picked(first) == [person_id(number) for number in range(25)]
        assert picked(second) == [person_id(number) for number in range(25, 50)]

    async def test_a_search_that_finds_nobody_says_so(self, admin: Visitor) -> None:
        answer = await admin.get("/users/m365/people?q=zzz")

        assert "Nothing fits “zzz”." in answer.page.text

    async def test_the_chosen_ones_are_shown_even_when_they_are_gone(self, admin: Visitor) -> None:
        """What cannot be seen cannot be taken back."""
        chosen = f"{person_id(50)} gone-since-long {person_id(3)}"

        answer = await admin.post("/users/m365/people", {"users": chosen})

        assert picked(answer) == ["gone-since-long", person_id(3), person_id(50)]
        assert "No longer in Microsoft 365" in answer.page.text
        assert "3 selected" in answer.page.text

    async def test_many_chosen_ones_are_paged_too(self, admin: Visitor) -> None:
        chosen = " ".join(person_id(number) for number in range(60))

        last = await admin.post("/users/m365/people?start=50", {"users": chosen})
        beyond = await admin.post("/users/m365/people?start=5000", {"users": chosen})

        assert picked(last) == [person_id(number) for number in range(50, 60)]
        assert picked(beyond) == picked(last)

    async def test_groups_show_what_they_are(self, admin: Visitor) -> None:
        answer = await admin.get("/users/m365/groups/department_groups?q=group 03")

        assert picked(answer) == [group_id(3)]
        # The kind stands under the name on a phone, and in a column of its own elsewhere.
        assert "Group 03 Security group Security group 1" in answer.page.text

    async def test_it_is_said_at_once_what_becomes_a_department(self, admin: Visitor) -> None:
        """Under every scope, and in the administrator's order."""
        answer = await admin.post(
            "/users/m365/departments",
            {
                "scope": Scope.ALL.value,
                "source": DepartmentSource.CHOSEN.value,
                "department_groups": [group_id(9), group_id(2)],
            },
        )

        assert "These groups become departments: “Group 09”, “Group 02”." in answer.page.text
        assert "the first of this order" in answer.page.text


def filled(answer: Answer) -> dict[str, object]:
    """What a browser sends of the form as it stands, the choice of every list included."""
    fields: dict[str, object] = {}
    for one in answer.page.all("input"):
        if one.get("name") and (one.get("type") not in {"radio", "checkbox"} or "checked" in one):
            fields[str(one["name"])] = one.get("value") or ""
    selects = r'<select[^>]*name="(\w+)".*?<option value="([^"]*)" selected>'
    return fields | dict(re.findall(selects, answer.text, re.DOTALL))


def picked(answer: Answer) -> list[str]:
    return [str(one["value"]) for one in answer.page.all("input") if "data-pick" in one]


class TestTrying:
    """Rules are tried on somebody before they are saved."""

    TRIAL = {name: value for name, value in VALID.items() if name.startswith("follow")} | {
        "caller_id_form": "e164",
        "country": "GB",
    }

    @pytest.fixture(autouse=True)
    async def ann(self, house: House) -> str:
        """Somebody in the picture, with a number typed as people do."""
        ann = a_person(
            7, "Ann Field", business_phone="020 7946 0101", mobile_phone="+44 7700 900101"
        )
        async with house.database.write() as tx:
            await fill(tx, 20, house.clock.now())
            await save_persons(tx, [ann], house.clock.now())
        return str(ann.id)

    async def test_a_person_is_searched_and_chosen(self, admin: Visitor, ann: str) -> None:
        first = await admin.get("/users/m365/try")
        found = await admin.get("/users/m365/try?q=ann field")
        nobody = await admin.get("/users/m365/try?q=zzz")

        assert len(re.findall("hx-post", first.text)) == 8
        assert "And more" in first.page.text
        assert re.findall(r"try_person&#34;: &#34;([^&]*)|try_person\": \"([^\"]*)", found.text)
        assert ann in found.text
        assert "Nobody fits “zzz”." in nobody.page.text

    async def test_a_name_turns_nothing_beside_it(self, house: House, admin: Visitor) -> None:
        """A right-to-left override would show the address behind it backwards."""
        eve = a_person(8, "Eve \u202egnp.exe")
        async with house.database.write() as tx:
            await save_persons(tx, [eve], house.clock.now())

        answer = await admin.get("/users/m365/try")

        assert "Eve gnp.exe" in answer.text
        assert "\u202e" not in answer.text

    async def test_the_rules_as_they_stand_are_tried(
        self, house: House, admin: Visitor, ann: str
    ) -> None:
        """And nothing is saved."""
        usual = await admin.post("/users/m365/try", {**self.TRIAL, "try_person": ann})
        mobile = await admin.post(
            "/users/m365/try",
            {**self.TRIAL, "follows_caller_id": "mobilePhone", "try_person": ann},
        )

        assert "020 7946 0101" in usual.page.text
        assert "+442079460101" in usual.page.text
        assert "Read as a number of GB, the default country." in usual.page.text
        assert "+447700900101" in mobile.page.text
        assert (await house.settings()) == PeopleSettings()

    async def test_a_rule_that_is_wrong_is_said_instead(self, admin: Visitor, ann: str) -> None:
        form = {**self.TRIAL, "country": "Germany", "try_person": ann}

        answer = await admin.post("/users/m365/try", form)

        assert "“Germany” is no country" in answer.page.text
        assert f'value="{ann}"' in answer.text

    async def test_nobody_and_somebody_unknown_are_told(self, admin: Visitor) -> None:
        nobody = await admin.post("/users/m365/try", self.TRIAL)
        unknown = await admin.post("/users/m365/try", {**self.TRIAL, "try_person": "gone"})

        assert "Nobody is chosen yet." in nobody.page.text
        assert "no longer in the picture" in unknown.page.text


# --- the form without the web --------------------------------------------------------------------


def test_a_form_read_back_gives_the_same_settings() -> None:
    """Opening and saving without a change must not change anything."""
    stored = PeopleSettings(
        enabled=True,
        rules=PeopleRules(
            scope=ScopeRules(
                Scope.ALL_EXCEPT_SELECTED, frozenset({person_id(2), person_id(1)}), guests=True
            ),
            departments=DepartmentRules(DepartmentSource.ALL, (group_id(4),)),
            on_out_of_scope=LeaverPolicy.REMOVE,
            attributes=AttributeRules(
                follow_details=False, email=Source.MAIL, default_country="GB"
            ),
        ),
        schedule=ScheduleRules(300, 4, "Asia/Tokyo"),
        approve=Approval.BY_HAND,
        photos=False,
    )

    wanted, errors = settings_of(form_of(stored, 7), stored, RANGES)

    assert wanted == stored
    assert not errors


def test_what_the_form_does_not_show_of_numbers_stays() -> None:
    """Departments' ranges and reservations are chosen elsewhere."""
    hidden = NumberRules(
        departments=(DepartmentRange(group_id(1), (NumberRange("5000", "5009"),)),),
        reserved=(Reservation(NumberRange("300", "300")),),
    )
    stored = PeopleSettings(rules=PeopleRules(numbers=hidden))

    wanted, errors = settings_of(form_of(stored, 1).changed(ranges="200"), stored, RANGES)

    assert not errors
    assert wanted is not None
    assert wanted.rules.numbers == replace(hidden, ranges=(NumberRange("200", "200"),))
    assert form_of(wanted, 1)["ranges"] == "200"


def test_several_wrong_values_are_all_said_at_once() -> None:
    """One after the other would be one round trip each."""
    form = form_of(PeopleSettings(), 1).changed(
        start="x",
        nightly_hour="99",
        interval="1",
        time_zone="Mars/Base",
        follows_email="jobTitle",
        caller_id_form="roman",
        country="Germany",
    )

    wanted, errors = settings_of(form, PeopleSettings(), RANGES)

    assert wanted is None
    assert set(errors) == {
        "start",
        "nightly_hour",
        "interval",
        "time_zone",
        "follows_email",
        "caller_id_form",
        "country",
    }


def test_a_change_is_told_in_the_words_of_the_form() -> None:
    """Whoever lost the race reads labels, not names of fields."""
    before = PeopleSettings()
    after = PeopleSettings(
        rules=PeopleRules(scope=ScopeRules(Scope.SELECTED, frozenset({person_id(1)})))
    )

    assert changes_between(before, after) == (
        "Who is synchronised: “Everyone” became “Selected people”.",
        "People who are selected: 0 chosen became 1 chosen.",
    )


async def test_a_person_may_be_chosen_who_is_not_yet_covered(house: House, admin: Visitor) -> None:
    """The pickers show the whole directory, not only extensions."""
    async with house.database.write() as tx:
        await save_persons(tx, [a_person(1, "Nobody's Extension")], house.clock.now())

    answer = await send(admin, scope=Scope.SELECTED.value, users=str(person_id(1)))

    assert answer.status == 204
