"""The pages of the login authority: plain forms under a strict policy, no script but one.

The one script sends the form of `response_mode=form_post`, which has a button for who has none.
Nothing is decided here.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from m365_emulator.entra_errors import EntraError
from m365_emulator.signin.redirects import Reply, redirect

TEMPLATES = Path(__file__).parent.parent / "templates"


@functools.cache
def _environment() -> jinja2.Environment:
    """Compiled once for all stages of a process: tests set up hundreds."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Screens:
    """Renders the pages of one tenant's login authority."""

    def __init__(self, tenant_name: str) -> None:
        self._tenant_name = tenant_name

    def show(
        self,
        screen: str,
        *,
        title: str,
        status: int = 200,
        forms_to: Sequence[str] = (),
        **values: Any,
    ) -> Response:
        """One screen; `forms_to` are further places where its forms may end up."""
        text = (
            _environment()
            .get_template(f"signin/{screen}.html")
            .render(title=title, tenant_name=self._tenant_name, **values)
        )
        forms = " ".join(("'self'", *forms_to))
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "
            f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "strict-origin-when-cross-origin",
        }
        return HTMLResponse(text, status, headers)

    def error(self, error: EntraError, request: Request, app_name: str | None = None) -> Response:
        """What cannot go back to an application: shown with the ids that support asks for."""
        state = request.state
        return self.show(
            "error",
            title="Sign in",
            status=error.status,
            code=error.code,
            message=error.message,
            app_name=app_name,
            request_id=state.request_id,
            correlation_id=state.client_request_id,
            at=f"{state.now:%Y-%m-%dT%H:%M:%SZ}",
        )

    def answer(self, reply: Reply, parameters: Mapping[str, str]) -> Response:
        """Back to the application, by the mode that it asked for."""
        if reply.mode != "form_post":
            return redirect(reply, parameters)
        told = {**parameters, **({} if reply.state is None else {"state": reply.state})}
        return self.show(
            "form_post",
            title="Working...",
            forms_to=(reply.form_source,),
            target=reply.uri,
            fields=told,
        )

    def refuse(self, error: EntraError, reply: Reply, request: Request, **more: str) -> Response:
        """A refusal sent to the application."""
        state = request.state
        described = error.described(state.now, state.request_id, state.client_request_id)
        return self.answer(
            reply,
            {
                "error": error.error,
                "error_description": described,
                "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
                **more,
            },
        )
