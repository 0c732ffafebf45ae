"""Every link between the documents leads somewhere."""

from pathlib import Path

import pytest

from doubles.documents import PAGES, ROOT, anchors, links, prose

LINKS = [(page, link) for page in PAGES for link in links(page)]


@pytest.mark.parametrize(
    ("page", "link"),
    [pytest.param(*one, id=f"{one[0].relative_to(ROOT)}:{one[1]}") for one in LINKS],
)
def test_a_link_leads_somewhere(page: Path, link: str) -> None:
    """A page that is not there is where a newcomer gives up."""
    if link.startswith("https://"):
        return
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page

    assert target.exists(), f"{link} in {page.name}"
    assert target.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_begins_with_its_title_and_is_found(page: Path) -> None:
    """One heading of the first order; and some other page leads to it."""
    lines = prose(page).splitlines()
    assert lines[0].startswith("# ")
    assert len([line for line in lines if line.startswith("# ")]) == 1
    if page.name != "README.md":
        pointing = [
            other.name
            for other in PAGES
            if other != page
            for link in links(other)
            if (other.parent / link.partition("#")[0]).resolve() == page
        ]
        assert pointing


def test_the_readme_leads_to_every_page_for_users() -> None:
    """Where to go next is asked there."""
    readme = ROOT / "README.md"
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(readme)}

    missing = {page.name for page in (ROOT / "docs").glob("*.md") if page not in linked}

    assert missing == set()
