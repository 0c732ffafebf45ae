"""The page as a browser shows it: what only a browser can tell."""

from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe

from m365_emulator.signin.state import PASSWORD


@pytest.fixture
def shown(page: Any, stage: Any) -> Any:
    """The page with a fault switched on, somebody in the bin and somebody chosen."""
    stage.play("POST", "/faults", {"kind": "unavailable", "probability": 0.5})
    leaver, *_ = stage.play("GET", "/people?limit=1")["people"]
    stage.play("POST", f"/people/{leaver['id']}/delete")
    page.goto(stage.url)
    page.locator("main table a").first.click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_on_the_page_hinders_anybody(shown: Any, scheme: str, width: int) -> None:
    """axe finds nothing in either light, and a phone does not scroll sideways."""
    shown.emulate_media(color_scheme=scheme)
    shown.set_viewport_size({"width": width, "height": 900})
    shown.locator("summary").first.click()

    findings = Axe().run(shown)

    assert findings.violations_count == 0, findings.generate_report()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_somebody_is_hired_with_the_keyboard_alone(shown: Any, stage: Any) -> None:
    """Every control is reached by Tab and set off by Enter."""
    shown.get_by_label("Name (empty: made up)").focus()
    shown.keyboard.type("Noor de Wit")
    shown.keyboard.press("Tab")
    shown.keyboard.type("Sales")
    shown.keyboard.press("Enter")

    shown.get_by_role("status").get_by_text("Noor de Wit joins as").wait_for()
    found = stage.play("GET", "/people?search=Noor")["people"]
    assert [person["department"] for person in found] == ["Sales"]


def test_the_counters_and_the_last_requests_are_live(shown: Any, stage: Any) -> None:
    """Who watches sees the product at work without a reload."""
    before = int(shown.locator('[data-counter="counters.requests"]').inner_text())

    stage.ask("GET", f"/{stage.tenant}/v2.0/.well-known/openid-configuration")

    shown.get_by_text(f"GET /{stage.tenant}/v2.0/.well-known").wait_for()
    after = int(shown.locator('[data-counter="counters.requests"]').inner_text())
    assert after == before + 1


@pytest.fixture
def asked(page: Any, stage: Any) -> Any:
    """The login page of an application that people can sign in to."""
    page.route(f"{stage.url}/callback", lambda route: route.fulfill(body="signed in"))
    stage.play(
        "PATCH",
        f"/apps/{stage.app_id}",
        {"properties": {"web": {"redirectUris": [f"{stage.url}/callback"]}}},
    )
    query = urlencode(
        {
            "client_id": stage.app_id,
            "response_type": "code",
            "redirect_uri": f"{stage.url}/callback",
            "scope": "openid profile User.Read",
            "response_mode": "form_post",
        }
    )
    page.goto(f"{stage.url}/{stage.tenant}/oauth2/v2.0/authorize?{query}")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_login_pages_hinders_anybody(asked: Any, scheme: str) -> None:
    """Page after page, at a phone's width."""
    asked.emulate_media(color_scheme=scheme)
    asked.set_viewport_size({"width": 390, "height": 800})

    for button in ("Administrator", "Sign in", None):
        findings = Axe().run(asked)
        assert findings.violations_count == 0, findings.generate_report()
        assert asked.evaluate("document.documentElement.scrollWidth") <= 390
        if button == "Sign in":
            asked.get_by_role("textbox", name="Password").fill(PASSWORD)
        if button:
            asked.get_by_role("button", name=button).first.click()


def test_somebody_signs_in_with_the_keyboard_alone(asked: Any, stage: Any) -> None:
    """Enter takes the way forward on every page, and the policy lets the answer out."""
    somebody = stage.play("GET", "/people?limit=1")["people"][0]
    asked.keyboard.type(somebody["userPrincipalName"])
    asked.keyboard.press("Enter")
    asked.get_by_role("textbox", name="Password").wait_for()
    asked.keyboard.type(PASSWORD)
    asked.keyboard.press("Enter")
    asked.get_by_role("heading", name="Permissions requested").wait_for()
    asked.get_by_role("button", name="Accept").focus()
    with asked.expect_request(f"{stage.url}/callback") as sent:
        asked.keyboard.press("Enter")

    assert sent.value.method == "POST"
    assert "code=" in sent.value.post_data
