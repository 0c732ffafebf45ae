"""One word for one thing: the console, the documents and the explanations call it the same."""

import re

import pytest

from doubles.documents import ROOT
from jackfield.core.choice_words import DEPARTMENTS, SCOPES
from jackfield.core.departments import DepartmentSource
from jackfield.core.people import Scope

TEMPLATES = sorted((ROOT / "src/jackfield/web/templates").glob("*.html"))
PEOPLE_SYNC = (ROOT / "docs/people-sync.md").read_text(encoding="utf-8")


def words(template: str) -> str:
    """What is read on a page: without expressions, comments, tags and their attributes."""
    text = re.sub(r"\{[{%#].*?[}%#]\}|<code>.*?</code>", " ", template, flags=re.DOTALL)
    labels = " ".join(re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', text))
    return f"{re.sub(r'<[^>]*>', ' ', text)} {labels}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_console_says_people(template: object) -> None:
    """A user is Graph's record, or somebody signed in; *Users* is the name of a page."""
    text = words(template.read_text(encoding="utf-8"))  # type: ignore[attr-defined]

    assert not re.findall(r"\b(?:users?|employees?|members? of staff)\b", text)
    assert not re.findall(r"\b(?:license|synchronize|e-?mail address)\w*", text, re.IGNORECASE)


def test_the_documents_name_the_scopes_and_sources_as_the_dialog_does() -> None:
    """Whoever reads about one finds it on the page."""
    for scope in Scope:
        assert f"| {SCOPES[scope]} | `{scope.value}` |" in PEOPLE_SYNC
    for source in DepartmentSource:
        row = rf"^\| {re.escape(DEPARTMENTS[source])}(?: \(default\))? \|"
        assert re.search(row, PEOPLE_SYNC, re.MULTILINE)


def test_no_word_is_explained_twice() -> None:
    """Two rows about one word would drift apart."""
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE)
    explained = [word.strip() for row in rows for word in row.split(",")]

    assert len(explained) == len(set(explained))
