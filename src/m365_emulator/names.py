"""Names of departments, titles, firms and rooms, and how a name is spelt in a mailbox: no rules."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Name:
    """A word as it is written, and as it stands in a mailbox name."""

    written: str
    latin: str


_LATIN = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "æ": "ae",
        "Æ": "Ae",
        "þ": "th",
        "Þ": "Th",
        "ð": "d",
        "ı": "i",
        "œ": "oe",
        "ə": "e",
    }
)


@lru_cache(maxsize=16384)
def latin(text: str) -> str:
    """Letters and digits of `text` that a mailbox name may have, lower case."""
    plain = unicodedata.normalize("NFKD", text.translate(_LATIN)).encode("ascii", "ignore")
    return "".join(each for each in plain.decode().lower() if each.isalnum() or each in "-.")


DEPARTMENTS = (
    "Sales",
    "Support",
    "Engineering",
    "Finance",
    "Human Resources",
    "Warehouse",
    "Reception",
    "Marketing",
    "Legal",
    "Purchasing",
    "IT",
)
JOB_TITLES = (
    "Account Manager",
    "Support Engineer",
    "Software Engineer",
    "Controller",
    "Recruiter",
    "Forklift Driver",
    "Receptionist",
    "Designer",
    "Counsel",
    "Buyer",
    "Systems Administrator",
    "Head of Department",
    "Trainee",
    "Geschäftsführer/-in",
    "Directeur général adjoint",
    "課長",
)
PLACES = ("HQ 1.04", "HQ 2.17", "Building B, 3rd floor", "Remote", "Lager Süd", "本社 5F")
HOME_FIRMS = (
    ("Northgate Instruments", "northgate"),
    ("Harbour & Vale", "harbourvale"),
    ("Kestrel Foods", "kestrelfoods"),
    ("Lindgren Maskin", "lindgrenmaskin"),
    ("Ostrava Glass", "ostravaglass"),
)
PARTNERS = ("alder-consulting.example", "blauwerk.example", "casa-norte.example", "dymka.example")
SHARED_MAILBOXES = (
    "Info",
    "Sales Desk",
    "Support",
    "Invoices",
    "Bewerbungen",
    "Réception",
    "Press Office",
    "経理課",
)
ROOMS = ("Curie", "Turing", "Lovelace", "Noether", "Zuse", "Hypatia", "Ωmega", "富士")
EQUIPMENT = ("Projector", "Company Van", "Loan Laptop", "Label Printer")
VOICE_APPLICATIONS = ("Auto Attendant Main", "Queue Support", "Queue Sales", "Night Line")
