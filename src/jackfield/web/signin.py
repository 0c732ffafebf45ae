"""The sign-in page. Passwords, delays and sessions are `flows/signin.py`'s business."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect, Template

from jackfield.flows.signin import SignedIn, SignInRefused
from jackfield.web.rooms import House
from jackfield.web.security import own_path, session_cookie, session_cookie_name
from jackfield.web.tenancy import ABOUT, PUBLIC, About


@get("/login", opt={PUBLIC: True}, include_in_schema=False)
async def sign_in_page(request: Request[Any, Any, Any]) -> Template | Redirect:
    """The form; who is signed in already goes on."""
    back = own_path(request.query_params.get("next", "/"))
    if request.scope.get("user") is not None:
        return Redirect(back, status_code=303)
    return _page(back)


@post("/login", opt={PUBLIC: True}, include_in_schema=False)
async def sign_in(request: Request[Any, Any, Any], house: House) -> Template | Response[None]:
    """Check name and password; begin a session."""
    form = await request.form()
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    back = own_path(str(form.get("next", "/")))
    address = request.client.host if request.client else "unknown"
    if wait := house.login_limit.wait_s(address):
        text = f"Too many tries from your address. Wait {wait} seconds, then try again."
        return _page(back, name, SignInRefused(text, wait))
    match await house.signin.sign_in(name, password, address):
        case SignedIn(cookie=cookie):
            old = request.cookies.get(session_cookie_name(house.settings))
            if old:
                await house.signin.sign_out(old)
            return Redirect(back, status_code=303, cookies=[session_cookie(house.settings, cookie)])
        case refused:
            return _page(back, name, refused)


@post("/logout", opt={ABOUT: About.EITHER}, include_in_schema=False)
async def sign_out(request: Request[Any, Any, Any], house: House) -> Redirect:
    """End the session, here and in the database."""
    cookie = request.cookies.get(session_cookie_name(house.settings))
    if cookie:
        await house.signin.sign_out(cookie)
    return Redirect("/login", status_code=303, cookies=[session_cookie(house.settings, "")])


def _page(back: str, name: str = "", refused: SignInRefused | None = None) -> Template:
    headers: dict[str, str] = {}
    status = 200
    if refused is not None:
        status = 429 if refused.retry_after_s else 401
        if refused.retry_after_s:
            headers["retry-after"] = str(refused.retry_after_s)
    context = {"back": back, "name": name, "refused": refused, "viewer": None}
    return Template("login.html", context=context, status_code=status, headers=headers)
