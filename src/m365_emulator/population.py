"""Who is in the tenant when it starts: invented people, mailboxes, rooms and devices, by seed.

The same seed and size give the same population on every machine and day. Every shape that troubles
a directory reader occurs early, so that 250 people are enough to meet them all: scripts, doubled
names, missing mail, telephone numbers that are none, guests, leavers, accounts that are no people.
Nothing here knows Graph's answers; it fills in resources.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, assert_never

from m365_emulator import licences, names
from m365_emulator.licences import Sku, licences_of, plans_of
from m365_emulator.locales import BY_COUNTRY, LOCALES, Locale
from m365_emulator.names import Name
from m365_emulator.resources import ObjectId, User


class Kind(StrEnum):
    """What an account stands for."""

    STAFF = "staff"
    FRONTLINE = "frontline"
    UNLICENSED = "unlicensed"
    ADD_ON_ONLY = "add-on only"
    LEAVER = "leaver"
    GUEST = "guest"
    ADMIN = "administrator account"
    SHARED = "shared mailbox"
    ROOM = "room"
    EQUIPMENT = "equipment"
    VOICE = "Teams resource account"


_CYCLE_LENGTH = 50
_CYCLE = {
    3: Kind.FRONTLINE,
    5: Kind.GUEST,
    7: Kind.SHARED,
    9: Kind.LEAVER,
    11: Kind.ROOM,
    13: Kind.UNLICENSED,
    15: Kind.VOICE,
    17: Kind.FRONTLINE,
    19: Kind.GUEST,
    21: Kind.EQUIPMENT,
    23: Kind.ADMIN,
    25: Kind.FRONTLINE,
    27: Kind.LEAVER,
    29: Kind.SHARED,
    31: Kind.ROOM,
    33: Kind.ADD_ON_ONLY,
    35: Kind.FRONTLINE,
    37: Kind.GUEST,
    39: Kind.UNLICENSED,
    43: Kind.FRONTLINE,
    47: Kind.FRONTLINE,
}

_BEGINNING = datetime(2019, 1, 7, 7, 0, tzinfo=UTC)
SYNCED_AT = "2026-11-20T02:14:09Z"
_NONSENSE = ("n/a", "TBD", "-", "see intranet", "ask reception", "Durchwahl folgt", "000", "+", "?")
_STAFF_SKUS: tuple[tuple[Sku, ...], ...] = (
    (licences.BUSINESS_PREMIUM,),
    (licences.BUSINESS_STANDARD,),
    (licences.M365_E3,),
    (licences.M365_E5,),
    (licences.BUSINESS_BASIC,),
    (licences.M365_E3, licences.TEAMS_PHONE),
    (licences.M365_E3_NO_TEAMS, licences.TEAMS_ENTERPRISE),
    (licences.M365_E3_NO_TEAMS,),
)
_STAFF_WEIGHTS = (40, 58, 70, 78, 86, 92, 97, 100)
_DEPARTMENT_SPELLINGS = {"Sales": ("Sales", "Sales", "Sales", "SALES", " sales ")}
_FULL_WIDTH = str.maketrans("0123456789+", "０１２３４５６７８９＋")

_Shape = Callable[[dict[str, Any]], None]


def _shape(**properties: object) -> _Shape:
    return lambda person: person.update(properties)


def _renamed(person: dict[str, Any]) -> None:
    """Married: new name and UPN, the old address stays as an alias, the mailbox keeps its name."""
    old = person["user_principal_name"]
    person["user_principal_name"] = "renamed." + old
    person["proxy_addresses"] = (f"SMTP:renamed.{old}", f"smtp:{old}", f"sip:{old}")
    person["mail"] = "renamed." + old


def _mail_differs(person: dict[str, Any]) -> None:
    """Signs in with a short name; the address that colleagues know is another."""
    local, _, domain = person["user_principal_name"].partition("@")
    person["user_principal_name"] = f"u{abs(hash_of(local)) % 100_000:05d}@{domain}"


def _no_mail(person: dict[str, Any]) -> None:
    person.update(mail=None, proxy_addresses=(), assigned_licenses=(), assigned_plans=())


def hash_of(text: str) -> int:
    """A number from a text that is the same in every process."""
    return sum(ord(each) * 31**at for at, each in enumerate(text))


_SHAPES: dict[int, _Shape] = {
    1: _shape(display_name="Zoë 🌟 Park", given_name="Zoë 🌟", surname="Park"),
    2: _shape(display_name="Anna Müller", given_name="Anna", surname="Müller"),
    3: _renamed,
    4: _shape(given_name=None, surname=None, display_name="Pförtner Tor 2"),
    5: _shape(business_phones=("see intranet",), mobile_phone="n/a"),
    6: _no_mail,
    7: _shape(display_name="Anna Müller", given_name="Anna", surname="Müller"),
    8: _shape(
        display_name="Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios "
        "Cipriano de la Santísima Trinidad Ruiz y Picasso Fernández de la Vega y Montenegro-Ávila",
        given_name="Pablo Diego José Francisco de Paula Juan Nepomuceno",
        surname="Ruiz y Picasso Fernández de la Vega y Montenegro-Ávila",
    ),
    9: _mail_differs,
    10: _shape(display_name="ليلى Cohen-לוי (يوسف)", given_name="ليلى", surname="Cohen-לוי"),
    11: _shape(display_name='O\'Neill & Søn, Ægir "Ziggy"', surname="O'Neill & Søn"),
    12: _shape(display_name="  Trailing Space ", given_name=None, surname=None),
    13: _shape(display_name="Zoe\u0308 Beyonce\u0301", given_name="Zoe\u0308"),
    14: _shape(business_phones=("０２０ ７９４６ ０１２３",), mobile_phone="٠٥٠١٢٣٤٥٦٧"),
    15: _shape(display_name="田中 太郎 👩🏽‍💻", given_name="太郎", surname="田中"),
    16: _shape(display_name=None, given_name=None, surname=None),
    17: _shape(department=None, job_title=None, office_location=None, company_name=None),
    18: _shape(usage_location=None, country=None),
    19: _shape(business_phones=("+44 20 7946 0999 x12, +44 20 7946 0998",)),
    20: _shape(display_name="X", given_name="X", surname=None),
    21: _shape(user_type=None),
}


class Population:
    """Invents the accounts of one tenant, each with a UPN that nobody else has."""

    def __init__(self, seed: int, domain: str, initial_domain: str, company: str) -> None:
        self._ids = Random(f"{seed}:ids")
        self._chance = Random(f"{seed}:people")
        self._domain = domain
        self._initial_domain = initial_domain
        self._company = company
        self._mailbox_names: dict[str, int] = {}
        self._staff_seen = 0
        home = Random(f"{seed}:home").choice(("GB", "DE", "SE", "CZ", "US"))
        self.home = BY_COUNTRY[home]
        # Three in five are from the home country, the others from all over the world.
        self._locales = [self.home] * (len(LOCALES) * 3 // 2) + list(LOCALES)
        start = Random(f"{seed}:days")
        self._days = [
            (_BEGINNING + timedelta(minutes=start.randrange(2800 * 24 * 60))).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            )
            for _ in range(512)
        ]
        self._synced = Random(f"{seed}:sync").random() < 0.5

    def object_id(self) -> ObjectId:
        """A version 4 GUID, the next in this seed's row."""
        bits = self._ids.getrandbits(128) & ~(0xF << 76) | 4 << 76
        digits = f"{bits & ~(0x3 << 62) | 0x2 << 62:032x}"
        return ObjectId(
            f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        )

    def people(self, count: int) -> Iterator[User]:
        for index in range(count):
            yield self._account(index, _CYCLE.get(index % _CYCLE_LENGTH, Kind.STAFF))

    def newcomer(self, created_at: str) -> User:
        """Somebody who joins today, with a licence, without surprises."""
        person = self._person(self._chance.choice(self._locales), (licences.BUSINESS_PREMIUM,))
        person["created_date_time"] = created_at
        person["assigned_plans"] = plans_of((licences.BUSINESS_PREMIUM,), created_at)
        person["on_premises_sync_enabled"] = None
        return User(**person)

    def mailbox_name(self, wanted: str) -> str:
        """`wanted`, or with a number behind it when that was given out before."""
        wanted = ".".join(filter(None, wanted.split("."))) or "user"
        given_out = self._mailbox_names
        name = wanted
        while name in given_out:
            given_out[wanted] += 1
            name = f"{wanted}{given_out[wanted]}"
        given_out[name] = 1
        return name

    def _account(self, index: int, kind: Kind) -> User:
        skus: tuple[Sku, ...]
        match kind:
            case Kind.SHARED | Kind.ROOM | Kind.EQUIPMENT | Kind.VOICE | Kind.ADMIN:
                return self._thing(kind, index // _CYCLE_LENGTH)
            case Kind.GUEST:
                return self._guest()
            case Kind.STAFF:
                skus = self._chance.choices(_STAFF_SKUS, cum_weights=_STAFF_WEIGHTS)[0]
            case Kind.FRONTLINE:
                skus = (licences.M365_F3,)
            case Kind.ADD_ON_ONLY:
                skus = (licences.POWER_BI_FREE,)
            case Kind.UNLICENSED | Kind.LEAVER:
                skus = ()
            case _:
                assert_never(kind)
        locale = self._chance.choice(self._locales)
        person = self._person(locale, skus)
        if kind is Kind.STAFF:
            shape = _SHAPES.get(self._staff_seen)
            self._staff_seen += 1
            if shape:
                shape(person)
        elif kind is Kind.LEAVER:
            person["account_enabled"] = False
            # Half of the leavers still hold the licence that nobody took away.
            if index % 2:
                person.update(self._licensed((licences.M365_E3,), person["created_date_time"]))
        elif kind in {Kind.UNLICENSED, Kind.ADD_ON_ONLY}:
            person.update(mail=None, proxy_addresses=(), im_addresses=(), mail_nickname=None)
        return User(**person)

    def _person(self, locale: Locale, skus: tuple[Sku, ...]) -> dict[str, Any]:
        chance = self._chance
        given, surname = chance.choice(locale.given), chance.choice(locale.surnames)
        dice = chance.random()
        if dice < 0.12:
            second = chance.choice(locale.surnames)
            surname = Name(f"{surname.written}-{second.written}", f"{surname.latin}-{second.latin}")
        elif dice < 0.2:
            second = chance.choice(locale.given)
            given = Name(f"{given.written} {second.written}", given.latin)
        if locale.family_first:
            display = f"{surname.written} {given.written}"
        elif dice > 0.95:
            display = f"{surname.written}, {given.written}"
        elif dice > 0.93:
            display = f"Dr. {given.written} {surname.written}"
        else:
            display = f"{given.written} {surname.written}"
        local = self.mailbox_name(f"{given.latin}.{surname.latin}")
        address = f"{local}@{self._domain}"
        proxies = [f"SMTP:{address}", f"sip:{address}"]
        if dice < 0.25:
            proxies.insert(1, f"smtp:{local}@{self._initial_domain}")
        department = chance.choice(names.DEPARTMENTS)
        spellings = _DEPARTMENT_SPELLINGS.get(department)
        created_at = chance.choice(self._days)
        business = self._phone(locale, locale.landlines) if chance.random() < 0.62 else None
        mobile = self._phone(locale, locale.mobiles) if chance.random() < 0.48 else None
        person: dict[str, Any] = {
            "id": self.object_id(),
            "user_principal_name": address,
            "display_name": display,
            "given_name": given.written,
            "surname": surname.written,
            "mail": address,
            "mail_nickname": local,
            "business_phones": (business,) if business else (),
            "mobile_phone": mobile,
            "fax_number": self._phone(locale, locale.landlines) if dice < 0.05 else None,
            "job_title": chance.choice(names.JOB_TITLES),
            "department": chance.choice(spellings) if spellings else department,
            "company_name": self._company if dice < 0.9 else None,
            "office_location": chance.choice(names.PLACES) if dice < 0.7 else None,
            "employee_id": f"{len(self._mailbox_names):06d}" if dice < 0.6 else None,
            "employee_type": "Employee",
            "city": chance.choice(locale.cities),
            "country": locale.country_name,
            "usage_location": locale.country,
            "preferred_language": locale.language if dice < 0.8 else None,
            "proxy_addresses": tuple(proxies),
            "im_addresses": (address,),
            "created_date_time": created_at,
            "last_password_change_date_time": created_at,
            **self._licensed(skus, created_at),
        }
        if self._synced and dice < 0.5:
            person.update(
                on_premises_sync_enabled=True,
                on_premises_last_sync_date_time=SYNCED_AT,
                on_premises_sam_account_name=local[:20],
                on_premises_domain_name=f"corp.{self._domain}",
            )
        return person

    @staticmethod
    def _licensed(skus: tuple[Sku, ...], since: str) -> dict[str, Any]:
        return {"assigned_licenses": licences_of(skus), "assigned_plans": plans_of(skus, since)}

    def _phone(self, locale: Locale, patterns: tuple[str, ...]) -> str:
        chance = self._chance
        number = "".join(
            str(chance.randrange(10)) if each == "#" else each for each in chance.choice(patterns)
        )
        area, _, rest = number.partition(" ")
        dice = chance.random()
        if dice < 0.42:
            return f"+{locale.calling_code} {number}"
        if dice < 0.57:
            return f"+{locale.calling_code}{number.replace(' ', '')}"
        if dice < 0.72:
            return f"{locale.trunk}{number}"
        if dice < 0.77:
            return f"({locale.trunk}{area}) {rest}"
        if dice < 0.81:
            return f"00{locale.calling_code} {number}"
        if dice < 0.85 and locale.trunk == "0":
            return f"+{locale.calling_code} (0){number}"
        if dice < 0.9:
            return f"+{locale.calling_code} {number} ext. {chance.randrange(100, 999)}"
        if dice < 0.93:
            return f"tel:+{locale.calling_code}-{number.replace(' ', '-')}"
        if dice < 0.96:
            return str(chance.randrange(100, 9999))
        if dice < 0.97:
            return f"+{locale.calling_code} {number}".translate(_FULL_WIDTH)
        if dice < 0.99:
            return f"+{locale.calling_code}.{number.replace(' ', '.')}"
        return chance.choice(_NONSENSE)

    def _guest(self) -> User:
        chance = self._chance
        locale = chance.choice(LOCALES)
        given, surname = chance.choice(locale.given), chance.choice(locale.surnames)
        partner = chance.choice(names.PARTNERS)
        local = self.mailbox_name(f"{given.latin}.{surname.latin}_{partner}")
        mailbox, _, host = local.rpartition("_")
        created_at = chance.choice(self._days)
        accepted = chance.random() < 0.8
        return User(
            id=self.object_id(),
            user_principal_name=f"{local}#EXT#@{self._initial_domain}",
            display_name=f"{given.written} {surname.written}"
            + (" (External)" if chance.random() < 0.5 else ""),
            given_name=given.written if accepted else None,
            surname=surname.written if accepted else None,
            mail=f"{mailbox}@{host}",
            mail_nickname=f"{local}#EXT#",
            user_type="Guest",
            mobile_phone=self._phone(locale, locale.mobiles) if chance.random() < 0.2 else None,
            company_name=host.partition(".")[0].title(),
            proxy_addresses=(f"SMTP:{mailbox}@{host}",),
            other_mails=(f"{mailbox}@{host}",),
            created_date_time=created_at,
            creation_type="Invitation",
            external_user_state="Accepted" if accepted else "PendingAcceptance",
            external_user_state_change_date_time=created_at,
        )

    def _thing(self, kind: Kind, number: int) -> User:
        """A mailbox or account that is no person."""
        chance = self._chance
        suffix = f" {number // 2 + 1}" if number > 3 else ""
        created_at = chance.choice(self._days)
        common: dict[str, Any] = {
            "id": self.object_id(),
            "account_enabled": False,
            "created_date_time": created_at,
        }
        match kind:
            case Kind.SHARED:
                title = chance.choice(names.SHARED_MAILBOXES) + suffix
            case Kind.ROOM:
                title = f"Room {chance.choice(names.ROOMS)}{suffix} ({chance.randrange(4, 20)})"
                if number % 3 == 0:
                    # A Teams Rooms device signs in: enabled, with Teams but without a mailbox plan.
                    common |= {
                        "account_enabled": True,
                        **self._licensed((licences.TEAMS_ROOMS,), created_at),
                    }
            case Kind.EQUIPMENT:
                title = chance.choice(names.EQUIPMENT) + suffix
            case Kind.VOICE:
                title = chance.choice(names.VOICE_APPLICATIONS) + suffix
                local = self.mailbox_name("ra-" + names.latin(title))
                return User(
                    **common,
                    user_principal_name=f"{local}@{self._initial_domain}",
                    display_name=title,
                    mail_nickname=local,
                    department="Microsoft Communication Application Instance",
                    usage_location=self.home.country,
                    business_phones=(self._phone(self.home, self.home.landlines),)
                    if chance.random() < 0.5
                    else (),
                    **self._licensed((licences.RESOURCE_ACCOUNT,), created_at),
                )
            case _:
                local = self.mailbox_name(f"adm-{chance.choice(self.home.surnames).latin}")
                return User(
                    **common | {"account_enabled": True},
                    user_principal_name=f"{local}@{self._initial_domain}",
                    display_name=f"{local.title()} (Admin)",
                    mail_nickname=local,
                )
        spelt = names.latin(title)
        plain = spelt if any(each.isalpha() for each in spelt) else f"{kind.name.lower()}{spelt}"
        local = self.mailbox_name(plain)
        address = f"{local}@{self._domain}"
        return User(
            **common,
            user_principal_name=address,
            display_name=title,
            mail=address,
            mail_nickname=local,
            proxy_addresses=(f"SMTP:{address}",),
            usage_location=self.home.country if kind is Kind.SHARED else None,
        )
