"""People sign in by the authorization code flow, as a browser and an application see it."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt

from m365_emulator.apps import Application, RoleAssignment
from m365_emulator.clock import Clock
from m365_emulator.resources import User
from m365_emulator.server import Emulator
from m365_emulator.signin import consent
from m365_emulator.signin.state import MFA_CODE, PASSWORD, Policies
from m365_emulator.tokens import signing_key

SECRET = "correct~horse+battery&staple"
CALLBACK = "https://pbx.example.org/auth/callback"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
SCOPE = "openid profile email offline_access User.Read"
PROPERTIES = {
    "web": {"redirectUris": [CALLBACK]},
    "spa": {"redirectUris": ["https://pbx.example.org/spa"]},
    "publicClient": {"redirectUris": ["http://localhost"]},
}

Url = Callable[..., str]


@pytest.fixture
def app(emulator: Emulator) -> Application:
    return emulator.register(secret=SECRET, properties=PROPERTIES)


@pytest.fixture
def authorize(emulator: Emulator, app: Application) -> Url:
    """The address of a request that is in order; keywords change one parameter of it."""

    def url(tenant: str = emulator.tenant.id, **changes: str | None) -> str:
        asked = {
            "client_id": app.app_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "st/ate 1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        kept = {name: value for name, value in asked.items() if value is not None}
        return f"/{tenant}/oauth2/v2.0/authorize?{urlencode(kept)}"

    return url


@pytest.fixture
def redeem(emulator: Emulator, app: Application, client: Any) -> Callable[..., Any]:
    """Posts to the token endpoint; keywords change the form, None leaves a field out."""

    async def post(
        code: str = "", headers: Mapping[str, str] | None = None, **changes: str | None
    ) -> Any:
        form = {
            "grant_type": "authorization_code",
            "client_id": app.app_id,
            "client_secret": SECRET,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        kept = {name: value for name, value in form.items() if value is not None}
        return await client.post_form(
            f"/{emulator.tenant.id}/oauth2/v2.0/token", kept, **(headers or {})
        )

    return post


@pytest.fixture
async def code(visitor: Any, authorize: Url, people: dict[str, User]) -> str:
    """Of somebody plain, who has consented."""
    await visitor.open(authorize())
    await visitor.sign_in(people["plain"].user_principal_name)
    await visitor.press("Accept")
    return str(visitor.answer["code"])


def claims_of(token: str) -> dict[str, Any]:
    """What an id_token or access token says, its signature checked."""
    return dict(jwt.decode(token, signing_key().key, algorithms=["RS256"]).claims)


# --- the whole way -------------------------------------------------------------------------------


async def test_somebody_signs_in_and_the_application_learns_who(
    visitor: Any,
    authorize: Url,
    redeem: Callable[..., Any],
    emulator: Emulator,
    app: Application,
    people: dict[str, User],
) -> None:
    """Pages, code, tokens: the one way that everything else here is a turn off."""
    person = people["plain"]

    await visitor.open(authorize())
    first = visitor.title
    await visitor.sign_in(person.user_principal_name)
    asked = visitor.title
    await visitor.press("Accept")
    answer = (await redeem(visitor.answer["code"])).json()

    assert (first, asked) == ("Sign in", "Permissions requested")
    assert visitor.left_for.startswith(f"{CALLBACK}?code=")
    assert visitor.answer["state"] == "st/ate 1"
    claims = claims_of(answer["id_token"])
    assert {name: claims[name] for name in ("oid", "tid", "aud", "nonce", "ver", "iss")} == {
        "oid": person.id,
        "tid": emulator.tenant.id,
        "aud": app.app_id,
        "nonce": "nonce-1",
        "ver": "2.0",
        "iss": f"http://localhost/{emulator.tenant.id}/v2.0",
    }
    assert claims["preferred_username"] == person.user_principal_name
    assert claims["email"] == person.mail
    assert claims["sub"] != person.id
    assert answer["token_type"] == "Bearer"
    assert answer["scope"].split() == ["email", "openid", "profile", "User.Read"]
    access = claims_of(answer["access_token"])
    assert (access["oid"], access["idtyp"], access["appidacr"]) == (person.id, "user", "1")
    assert access["scp"] == answer["scope"]


async def test_who_is_signed_in_is_not_asked_again(visitor: Any, authorize: Url, code: str) -> None:
    """Single sign-on: the second application opens without a page."""
    await visitor.open(authorize(state="second"))

    assert visitor.answer["state"] == "second"
    assert visitor.answer["code"] != code


@pytest.mark.usefixtures("code")
async def test_another_browser_knows_nobody(visitor: Any, authorize: Url) -> None:
    """A session belongs to one browser."""
    visitor.cookies.clear()

    await visitor.open(authorize())

    assert visitor.title == "Sign in"


async def test_a_page_of_another_browser_leads_nowhere(
    visitor: Any, authorize: Url, people: dict[str, User]
) -> None:
    """Otherwise somebody could be signed in as the attacker by a prepared form."""
    await visitor.open(authorize())
    await visitor.press("Next", username=people["plain"].user_principal_name)
    visitor.cookies["ESTSAUTH"] = "another"

    await visitor.press("Sign in", passwd=PASSWORD)

    assert "AADSTS50089" in visitor.text


# --- what the pages say --------------------------------------------------------------------------


async def test_a_wrong_password_is_told_and_too_many_lock_the_account(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, clock: Clock
) -> None:
    """Ten within a row, for a minute, as smart lockout begins."""
    await visitor.open(authorize())
    await visitor.press("Next", username=people["plain"].user_principal_name)

    await visitor.press("Sign in", passwd="wrong")
    wrong = visitor.text
    for _ in range(9):
        await visitor.press("Sign in", passwd="wrong")
    await visitor.press("Sign in", passwd=PASSWORD)
    locked = visitor.text
    clock.advance(timedelta(minutes=1))
    await visitor.press("Sign in", passwd=PASSWORD)

    assert "Your account or password is incorrect." in wrong
    assert "temporarily locked" in locked
    assert visitor.title == "Permissions requested"
    codes = [each.code for each in emulator.signin.log]
    assert codes == [50126] * 10 + [50053]


@pytest.mark.parametrize("typed", ["nobody@{domain}", "{id}", "someone@elsewhere.example"])
async def test_an_unknown_name_is_told(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, typed: str
) -> None:
    """An object id is no sign-in name either."""
    name = typed.format(domain=emulator.tenant.domain, id=people["plain"].id)
    await visitor.open(authorize())

    await visitor.press("Next", username=name)

    assert "This username may be incorrect." in visitor.text


async def test_a_name_is_found_among_many_that_hold_it(
    visitor: Any, authorize: Url, emulator: Emulator
) -> None:
    """li@ is a part of twenty-five others."""
    domain = emulator.tenant.domain
    for number in range(25):
        emulator.tenant.hire(f"A {number}", userPrincipalName=f"a{number}li@{domain}")
    emulator.tenant.hire("Li", userPrincipalName=f"li@{domain}")
    await visitor.open(authorize())

    await visitor.press("Next", username=f"LI@{domain}")

    assert visitor.title == "Enter password"
    assert f"li@{domain}" in visitor.text


async def test_a_disabled_account_does_not_come_in(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator
) -> None:
    """Whatever the password."""
    emulator.tenant.disable(people["plain"].id)
    await visitor.open(authorize())

    await visitor.sign_in(people["plain"].user_principal_name)

    assert "Your account has been locked." in visitor.text
    assert emulator.signin.log[-1].code == 50057


async def test_a_guest_signs_in_by_the_address_of_home(
    visitor: Any,
    emulator: Emulator,
    authorize: Url,
    redeem: Any,
) -> None:
    """Nobody knows their own UPN with #EXT# in it; the token says where home is."""
    guest = emulator.tenant.hire(
        "Guest Person",
        userType="Guest",
        creationType="Invitation",
        mail="guest@partner.example",
        userPrincipalName=f"guest_partner.example#EXT#@{emulator.tenant.initial_domain}",
    )
    await visitor.open(authorize())

    await visitor.sign_in("guest@partner.example")
    await visitor.press("Accept")
    answer = (await redeem(visitor.answer["code"])).json()

    claims = claims_of(answer["id_token"])
    assert (claims["oid"], claims["idp"]) == (guest.id, "mail:guest@partner.example")


async def test_a_second_factor_is_asked_for(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, redeem: Any
) -> None:
    """A wrong code is told, and the token says how it was proved."""
    emulator.signin.policies = Policies(require_mfa=True)
    await visitor.open(authorize())
    await visitor.sign_in(people["plain"].user_principal_name)

    await visitor.press("Verify", otc="000000")
    wrong = visitor.text
    await visitor.press("Verify", otc=MFA_CODE)
    await visitor.press("Accept")
    answer = (await redeem(visitor.answer["code"])).json()

    assert "You didn't enter the expected verification code." in wrong
    assert claims_of(answer["access_token"])["amr"] == ["pwd", "mfa"]


@pytest.mark.parametrize("screen", ["first", "password", "consent", "error", "form_post"])
async def test_every_page_is_plain_and_strict(
    visitor: Any, authorize: Url, people: dict[str, User], screen: str
) -> None:
    """No inline code, no foreign source, and forms end at the authority or the application."""
    changes = {"form_post": {"response_mode": "form_post"}, "error": {"client_id": "no"}}.get(
        screen, {}
    )
    await visitor.open(authorize(**changes))
    if screen in {"password", "consent", "form_post"}:
        await visitor.press("Next", username=people["plain"].user_principal_name)
    if screen in {"consent", "form_post"}:
        await visitor.press("Sign in", passwd=PASSWORD)
    if screen == "form_post":
        await visitor.press("Accept")

    policy = visitor.reply.headers["content-security-policy"]
    forms = "" if screen == "error" else " https://pbx.example.org"
    assert "default-src 'none'" in policy
    assert f"form-action 'self'{forms};" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in visitor.text
    assert " onclick=" not in visitor.text


# --- the request ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"client_id": None}, 900144, id="no_client"),
        pytest.param(
            {"client_id": "00000000-1111-4111-8111-000000000000"}, 700016, id="unknown_client"
        ),
        pytest.param({"redirect_uri": None}, 50011, id="no_redirect"),
        pytest.param({"redirect_uri": "https://evil.example/"}, 50011, id="foreign_redirect"),
        pytest.param({"redirect_uri": f"{CALLBACK}/more"}, 50011, id="longer_redirect"),
        pytest.param({"redirect_uri": CALLBACK.upper()}, 50011, id="another_case"),
        pytest.param({"redirect_uri": f"{CALLBACK}?x=1"}, 50011, id="with_a_query"),
        pytest.param({"tenant": "common"}, 50194, id="common_for_one_tenant"),
        pytest.param({"tenant": "nowhere.example"}, 90002, id="unknown_tenant"),
        pytest.param({"tenant": "nonsense"}, 900023, id="no_tenant_at_all"),
    ],
)
async def test_what_cannot_be_trusted_is_shown_and_never_redirected(
    visitor: Any, authorize: Url, changes: dict[str, Any], code: int
) -> None:
    """An open redirect at the login page would hand codes to anybody."""
    await visitor.open(authorize(**changes))

    assert visitor.left_for == ""
    assert visitor.reply.status == 400
    assert f"AADSTS{code}:" in visitor.text
    assert "Correlation Id" in visitor.text


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        pytest.param({"response_type": None}, "invalid_request", 900144, id="no_type"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", 70005, id="token"),
        pytest.param(
            {"response_type": "code id_token", "response_mode": "form_post"},
            "unsupported_response_type",
            700054,
            id="implicit_is_off",
        ),
        pytest.param({"response_mode": "smoke"}, "unsupported_response_mode", 70007, id="mode"),
        pytest.param({"scope": None}, "invalid_request", 900144, id="no_scope"),
        pytest.param({"scope": "openid Rule.World"}, "invalid_client", 650053, id="scope"),
        pytest.param(
            {"scope": "https://vault.azure.net/x"}, "invalid_resource", 500011, id="resource"
        ),
        pytest.param({"prompt": "please"}, "invalid_request", 90023, id="prompt"),
        pytest.param({"code_challenge": "short"}, "invalid_request", 501491, id="challenge"),
        pytest.param({"code_challenge": None}, "invalid_request", 50147, id="method_alone"),
        pytest.param({"code_challenge_method": "S512"}, "invalid_request", 90023, id="method"),
        pytest.param({"claims": "{"}, "invalid_request", 9002313, id="claims"),
        pytest.param({"prompt": "none"}, "login_required", 50058, id="nobody_is_signed_in"),
    ],
)
async def test_what_is_wrong_with_a_request_goes_back_to_the_application(
    visitor: Any, authorize: Url, changes: dict[str, Any], error: str, code: int
) -> None:
    """With the state, so that it can be told which of its requests failed."""
    await visitor.open(authorize(**changes))

    if changes.get("response_mode") == "form_post":
        fields = visitor.forms[0]["fields"]
        assert visitor.forms[0]["action"] == CALLBACK
    else:
        fields = visitor.answer
        assert visitor.left_for.startswith(CALLBACK)
    assert fields["error"] == error
    assert fields["error_description"].startswith(f"AADSTS{code}: ")
    assert fields["state"] == "st/ate 1"


@pytest.mark.parametrize(
    "claims",
    [
        '{"access_token":{"xms_cc":{"values":5}}}',
        '{"access_token":{"xms_cc":5}}',
        '{"access_token":5}',
    ],
)
async def test_claims_that_say_nothing_are_overlooked(
    visitor: Any, authorize: Url, claims: str
) -> None:
    """Whatever their shape."""
    await visitor.open(authorize(claims=claims))

    assert visitor.title == "Sign in"


@pytest.mark.parametrize(
    ("mode", "begins"),
    [
        pytest.param("query", f"{CALLBACK}?code=", id="query"),
        pytest.param("fragment", f"{CALLBACK}#code=", id="fragment"),
        pytest.param("form_post", "", id="form_post"),
    ],
)
@pytest.mark.usefixtures("code")
async def test_the_answer_comes_by_the_mode_that_was_asked(
    visitor: Any, authorize: Url, mode: str, begins: str
) -> None:
    """Three ways to the same address."""
    await visitor.open(authorize(response_mode=mode))

    assert visitor.left_for.startswith(begins)
    if mode == "form_post":
        (form,) = visitor.forms
        assert form["action"] == CALLBACK
        assert form["fields"]["state"] == "st/ate 1"
        assert form["fields"]["code"]


@pytest.mark.parametrize(
    "uri", ["http://localhost", "http://localhost:53682", "http://localhost:8400/"]
)
@pytest.mark.usefixtures("code")
async def test_the_port_of_a_loopback_address_does_not_count(
    visitor: Any, authorize: Url, uri: str
) -> None:
    """A program listens on whichever port is free."""
    await visitor.open(authorize(redirect_uri=uri))

    assert visitor.left_for.startswith(f"{uri.rstrip('/')}/?code=")


@pytest.mark.parametrize("uri", ["https://localhost", "http://localhost/deep", "http://[::1]"])
async def test_scheme_and_path_of_a_loopback_address_count(
    visitor: Any, authorize: Url, uri: str
) -> None:
    """Only the port is free."""
    await visitor.open(authorize(redirect_uri=uri))

    assert "AADSTS50011:" in visitor.text


# --- prompt and hints ----------------------------------------------------------------------------


@pytest.mark.usefixtures("code")
async def test_silently_somebody_who_is_signed_in_gets_a_code(
    visitor: Any,
    authorize: Url,
) -> None:
    """The renewal in a hidden frame."""
    await visitor.open(authorize(prompt="none"))

    assert visitor.answer["code"]


@pytest.mark.usefixtures("code")
async def test_silently_nobody_is_asked_to_consent(visitor: Any, authorize: Url) -> None:
    """What a page would resolve is refused as interaction_required."""
    await visitor.open(authorize(prompt="none", scope="openid Mail.Send"))

    assert visitor.answer["error"] == "interaction_required"
    assert visitor.answer["error_description"].startswith("AADSTS65001: ")


@pytest.mark.usefixtures("code")
async def test_prompt_login_asks_for_the_password_again(
    visitor: Any, authorize: Url, people: dict[str, User]
) -> None:
    """With a hint the name is filled in."""
    await visitor.open(authorize(prompt="login", login_hint=people["plain"].user_principal_name))

    assert visitor.title == "Enter password"
    assert people["plain"].user_principal_name in visitor.text


@pytest.mark.usefixtures("code")
async def test_an_account_is_picked_where_two_are_signed_in(
    visitor: Any,
    authorize: Url,
    people: dict[str, User],
    redeem: Any,
) -> None:
    """Two in one browser: a page without prompt, a refusal with prompt=none, none with a hint."""
    await visitor.open(authorize(prompt="select_account"))
    await visitor.sign_in(people["global"].user_principal_name)
    await visitor.press("Accept")

    await visitor.open(authorize())
    picking = visitor.title
    await visitor.press(people["plain"].user_principal_name)
    picked = (await redeem(visitor.answer["code"])).json()
    await visitor.open(authorize(prompt="none"))
    silent = visitor.answer
    await visitor.open(authorize(prompt="none", login_hint=people["global"].user_principal_name))

    assert picking == "Pick an account"
    assert claims_of(picked["id_token"])["oid"] == people["plain"].id
    assert silent["error"] == "login_required"
    assert visitor.answer["code"]


@pytest.mark.usefixtures("code")
async def test_a_domain_hint_of_elsewhere_fits_nobody_here(
    visitor: Any,
    authorize: Url,
) -> None:
    """The application means other people."""
    await visitor.open(authorize(prompt="none", domain_hint="elsewhere.example"))

    assert visitor.answer["error"] == "login_required"


# --- consent -------------------------------------------------------------------------------------


async def test_who_cancels_is_sent_back(
    visitor: Any, authorize: Url, people: dict[str, User]
) -> None:
    """At the password as at the question."""
    await visitor.open(authorize())
    await visitor.sign_in(people["plain"].user_principal_name)

    await visitor.press("Cancel")

    assert visitor.answer["error"] == "access_denied"
    assert visitor.answer["error_description"].startswith("AADSTS65004: ")


@pytest.mark.usefixtures("code")
async def test_one_persons_consent_is_nobody_elses(
    visitor: Any, authorize: Url, people: dict[str, User]
) -> None:
    """The next person is asked again."""
    await visitor.open(authorize(prompt="login"))
    await visitor.sign_in(people["cloud"].user_principal_name)

    assert visitor.title == "Permissions requested"
    assert "Consent on behalf of your organization" in visitor.text


async def test_an_administrator_consents_for_everybody(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, app: Application
) -> None:
    """Nobody is asked after that."""
    await visitor.open(authorize())
    await visitor.sign_in(people["cloud"].user_principal_name)
    await visitor.press("Accept", everybody="on")
    visitor.cookies.clear()

    await visitor.open(authorize())
    await visitor.sign_in(people["plain"].user_principal_name)

    assert visitor.answer["code"]
    known = emulator.registrations.find(app.app_id)
    assert known is not None
    assert known.principal is not None
    assert [grant.person_id for grant in known.principal.grants] == [None]


async def test_a_plain_person_cannot_consent_for_everybody(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, app: Application
) -> None:
    """A forged tick is worth nothing."""
    await visitor.open(authorize())
    await visitor.sign_in(people["plain"].user_principal_name)
    offered = "on behalf of your organization" in visitor.text
    await visitor.press("Accept", everybody="on")

    known = emulator.registrations.find(app.app_id)
    assert not offered
    assert known is not None
    assert known.principal is not None
    assert [grant.person_id for grant in known.principal.grants] == [people["plain"].id]


@pytest.mark.parametrize("way", ["scope", "policy"])
async def test_what_only_an_administrator_may_allow_is_not_asked_of_others(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, way: str
) -> None:
    """A permission over everybody's data, or a tenant where users may not consent."""
    if way == "policy":
        emulator.signin.policies = Policies(users_may_consent=False)
    await visitor.open(authorize(scope="openid User.Read.All" if way == "scope" else SCOPE))

    await visitor.sign_in(people["plain"].user_principal_name)
    asked = visitor.title
    await visitor.press("Return to the application")

    assert asked == "Need admin approval"
    assert visitor.answer["error"] == "access_denied"


# --- who is let in -------------------------------------------------------------------------------


async def test_conditional_access_is_told_on_the_page(
    visitor: Any,
    authorize: Url,
    code: str,
    emulator: Emulator,
    redeem: Any,
) -> None:
    """And the code that was given before is worth nothing either."""
    emulator.signin.policies = Policies(block=True)

    await visitor.open(authorize())
    page = visitor.text
    await visitor.open(authorize(prompt="none"))
    refused = await redeem(code)

    assert "You cannot access this right now" in page
    assert "AADSTS53003:" in page
    assert visitor.answer["error"] == "interaction_required"
    assert (refused.aadsts, refused.json()["error"]) == (53003, "invalid_grant")


async def test_who_is_not_assigned_does_not_come_in(
    visitor: Any, authorize: Url, people: dict[str, User], emulator: Emulator, app: Application
) -> None:
    """Where the administrator demands an assignment."""
    assert app.principal is not None
    emulator.registrations.put(
        replace(app, principal=replace(app.principal, assignment_required=True))
    )
    await visitor.open(authorize())

    await visitor.sign_in(people["plain"].user_principal_name)

    assert "AADSTS50105:" in visitor.text


# --- the token endpoint --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "code_number"),
    [
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", 501481, id="verifier"),
        pytest.param({"code_verifier": None}, "invalid_grant", 501481, id="no_verifier"),
        pytest.param({"client_secret": "wrong"}, "invalid_client", 7000215, id="secret"),
        pytest.param({"client_secret": None}, "invalid_client", 7000218, id="no_secret"),
        pytest.param({"code": "made-up"}, "invalid_grant", 70000, id="code"),
        pytest.param(
            {"redirect_uri": "https://pbx.example.org/spa"}, "invalid_client", 500112, id="redirect"
        ),
        pytest.param({"redirect_uri": None}, "invalid_request", 900144, id="no_redirect"),
        pytest.param({"scope": "Mail.Send"}, "consent_required", 65001, id="more_than_allowed"),
    ],
)
async def test_a_code_is_good_for_who_asked_only(
    redeem: Any, code: str, changes: dict[str, Any], error: str, code_number: int
) -> None:
    """Whoever catches it on the way can do nothing with it."""
    refused = await redeem(**{"code": code, **changes})

    assert (refused.json()["error"], refused.aadsts) == (error, code_number)


async def test_a_code_of_another_application_is_no_good(
    emulator: Emulator, redeem: Any, code: str
) -> None:
    """Mix-up of two clients."""
    other = emulator.register("Other", secret="other-secret", properties=PROPERTIES)

    refused = await redeem(code, client_id=other.app_id, client_secret="other-secret")

    assert refused.aadsts == 70000


async def test_a_code_is_good_once(redeem: Any, code: str) -> None:
    """A replay is told as such."""
    first = await redeem(code)
    second = await redeem(code)

    assert first.status == 200
    assert (second.json()["error"], second.aadsts) == ("invalid_grant", 54005)


async def test_a_code_ends_after_ten_minutes(redeem: Any, code: str, clock: Clock) -> None:
    """Somebody closed the laptop in between."""
    clock.advance(timedelta(minutes=10))

    assert (await redeem(code)).aadsts == 70008


@pytest.mark.usefixtures("code")
async def test_plain_is_a_challenge_too(visitor: Any, authorize: Url, redeem: Any) -> None:
    """Microsoft documents that both methods are supported."""
    await visitor.open(authorize(code_challenge=VERIFIER, code_challenge_method=None))

    answer = await redeem(visitor.answer["code"])

    assert answer.status == 200


async def test_a_page_in_the_browser_redeems_by_pkce_alone(
    visitor: Any, authorize: Url, code: str, redeem: Any
) -> None:
    """spa: an Origin and no secret; its refresh token ends after a day, whatever happens."""
    spa = "https://pbx.example.org/spa"
    await visitor.open(authorize(redirect_uri=spa))
    code = visitor.answer["code"]
    origin = {"origin": "https://pbx.example.org"}

    plain = await redeem(code, redirect_uri=spa, client_secret=None)
    with_secret = await redeem(code, headers=origin, redirect_uri=spa)
    answer = await redeem(code, headers=origin, redirect_uri=spa, client_secret=None)

    assert plain.aadsts == 9002327
    assert with_secret.aadsts == 700025
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://pbx.example.org"


async def test_a_servers_code_is_not_redeemed_from_a_browser(redeem: Any, code: str) -> None:
    """A secret in a page would be no secret."""
    refused = await redeem(code, headers={"origin": "https://pbx.example.org"})

    assert refused.aadsts == 9002326


async def test_a_program_on_a_machine_redeems_without_a_secret(
    visitor: Any, authorize: Url, code: str, redeem: Any
) -> None:
    """publicClient: nothing proves it but the verifier."""
    await visitor.open(authorize(redirect_uri="http://localhost:4711"))
    code = visitor.answer["code"]

    refused = await redeem(code, redirect_uri="http://localhost:4711")
    answer = await redeem(code, redirect_uri="http://localhost:4711", client_secret=None)

    assert refused.aadsts == 700025
    assert answer.status == 200


async def test_a_refresh_token_brings_new_tokens_and_a_new_refresh_token(
    redeem: Any, code: str, clock: Clock
) -> None:
    """The old one stays good, as Microsoft documents."""
    first = (await redeem(code)).json()
    clock.advance(timedelta(days=89))

    answers = [
        await redeem(
            grant_type="refresh_token",
            refresh_token=first["refresh_token"],
            code=None,
            redirect_uri=None,
            code_verifier=None,
        )
        for _ in range(2)
    ]

    second, third = (answer.json() for answer in answers)
    assert second["refresh_token"] not in {first["refresh_token"], third["refresh_token"]}
    assert second["access_token"] != first["access_token"]
    assert "id_token" in second


@pytest.mark.usefixtures("code")
async def test_without_offline_access_there_is_no_refresh_token(
    visitor: Any, authorize: Url, redeem: Any
) -> None:
    """And without openid no id_token."""
    await visitor.open(authorize(scope="User.Read"))

    answer = (await redeem(visitor.answer["code"])).json()

    assert not {"refresh_token", "id_token"} & answer.keys()


@pytest.mark.parametrize(
    ("event", "code_number"),
    [
        pytest.param("disabled", 50057, id="disabled"),
        pytest.param("deleted", 50034, id="deleted"),
        pytest.param("revoked", 50173, id="revoked"),
        pytest.param("mfa", 50076, id="second_factor_demanded"),
        pytest.param("inactive", 700082, id="inactive"),
        pytest.param("consent", 65001, id="consent_withdrawn"),
    ],
)
async def test_a_refresh_token_ends_with_what_it_stood_for(
    redeem: Any,
    code: str,
    emulator: Emulator,
    app: Application,
    people: dict[str, User],
    clock: Clock,
    event: str,
    code_number: int,
) -> None:
    """The application must send the person through the pages again, or learns they are gone."""
    token = (await redeem(code)).json()["refresh_token"]
    person = people["plain"].id
    match event:
        case "disabled":
            emulator.tenant.disable(person)
        case "deleted":
            emulator.tenant.delete(person)
        case "revoked":
            emulator.signin.revoke_sessions(person)
        case "mfa":
            emulator.signin.policies = Policies(require_mfa=True)
        case "inactive":
            clock.advance(timedelta(days=90))
        case "consent":
            known = emulator.registrations.find(app.app_id)
            assert known is not None
            emulator.registrations.put(consent.withdrawn(known, None))

    refused = await redeem(grant_type="refresh_token", refresh_token=token, code=None)

    assert refused.aadsts == code_number


# --- further claims ------------------------------------------------------------------------------


async def test_groups_and_roles_are_told_where_the_application_asks_for_them(
    visitor: Any,
    authorize: Url,
    code: str,
    redeem: Any,
    emulator: Emulator,
    app: Application,
    people: dict[str, User],
) -> None:
    """Above two hundred groups the claim says where to ask instead."""
    group = emulator.tenant.create_group("Admins of the PBX", members=[people["plain"].id])
    role = {"id": "11111111-0000-4000-8000-000000000001", "value": "Jackfield.Admin"}
    known = emulator.registrations.describe(
        app.app_id, {"appRoles": [role], "groupMembershipClaims": "SecurityGroup"}
    )
    assert known.principal is not None
    given = RoleAssignment("a", role["id"], app.app_id, group.id)
    emulator.registrations.put(
        replace(known, principal=replace(known.principal, assigned=(given,)))
    )
    few = claims_of((await redeem(code)).json()["id_token"])
    for number in range(201):
        emulator.tenant.create_group(f"Group {number}", members=[people["plain"].id])
    await visitor.open(authorize())
    many = claims_of((await redeem(visitor.answer["code"])).json()["id_token"])

    assert few["roles"] == ["Jackfield.Admin"]
    assert group.id in few["groups"]
    assert "groups" not in many
    assert many["_claim_names"] == {"groups": "src1"}


async def test_sub_is_another_for_each_application(
    visitor: Any, authorize: Url, code: str, redeem: Any, emulator: Emulator
) -> None:
    """Two applications cannot put their heads together over it."""
    other = emulator.register("Other", secret="other-secret", properties=PROPERTIES)
    await visitor.open(authorize(client_id=other.app_id))
    await visitor.press("Accept")
    theirs = await redeem(
        visitor.answer["code"], client_id=other.app_id, client_secret="other-secret"
    )
    ours = await redeem(code)

    subjects = {claims_of(each.json()["id_token"])["sub"] for each in (ours, theirs)}
    assert len(subjects) == 2


@pytest.mark.usefixtures("code")
async def test_the_hybrid_flow_brings_an_id_token_along(
    visitor: Any, authorize: Url, emulator: Emulator, app: Application
) -> None:
    """Where the application has switched it on; the code's hash is in it."""
    emulator.registrations.describe(
        app.app_id, {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}}}
    )

    await visitor.open(authorize(response_type="code id_token", response_mode="form_post"))

    fields = visitor.forms[0]["fields"]
    claims = claims_of(fields["id_token"])
    digest = hashlib.sha256(fields["code"].encode()).digest()[:16]
    assert claims["c_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert claims["nonce"] == "nonce-1"


# --- out again -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("code")
async def test_signing_out_ends_the_session_and_leads_back(
    visitor: Any, authorize: Url, emulator: Emulator
) -> None:
    """To a registered address only."""
    logout = f"/{emulator.tenant.id}/oauth2/v2.0/logout"

    await visitor.open(f"{logout}?{urlencode({'post_logout_redirect_uri': CALLBACK})}")
    back = visitor.left_for
    await visitor.open(authorize())
    after = visitor.title
    await visitor.open(
        f"{logout}?{urlencode({'post_logout_redirect_uri': 'https://evil.example'})}"
    )

    assert back == CALLBACK
    assert after == "Sign in"
    assert visitor.left_for == ""
    assert "You signed out of your account" in visitor.text


async def test_userinfo_tells_who_the_token_is_for(
    redeem: Any,
    code: str,
    client: Any,
    people: dict[str, User],
) -> None:
    """The same `sub` as in the id_token."""
    answer = (await redeem(code)).json()

    told = await client.get("/oidc/userinfo", authorization=f"Bearer {answer['access_token']}")

    assert told.json()["email"] == people["plain"].mail
    assert told.json()["sub"] == claims_of(answer["id_token"])["sub"]
