"""What a client asks to be allowed: the `scope` parameter of a request with a person in it.

Source: Entra docs, permissions-consent-overview and scopes-oidc, read 2026-11.
"""

from dataclasses import dataclass

from m365_emulator import entra_errors
from m365_emulator.apps import Application
from m365_emulator.entra_errors import EntraError
from m365_emulator.permissions import GRAPH_APP_ID, OPENID_SCOPES, named_by_id, spelled
from m365_emulator.tokens import is_graph

DEFAULT = ".default"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Scopes in Graph's spelling, and the audience of the access token.

    `everything` is set by `.default`: what the application lists as required, or has already.
    """

    names: tuple[str, ...]
    audience: str = GRAPH_APP_ID
    everything: bool = False

    def has(self, name: str) -> bool:
        return name in self.names


def read_scope(text: str, application: Application, tenant_name: str) -> Wanted:
    """The scopes of a request; EntraError when one is no scope, or of another resource."""
    names: dict[str, None] = {}
    audience: str | None = None
    everything = False
    for asked in text.split():
        resource, separator, name = asked.rpartition("/")
        if asked.lower() in OPENID_SCOPES:
            names[asked.lower()] = None
            continue
        if separator:
            # A double slash stands where the resource itself ends in one.
            if not is_graph(resource.rstrip("/")):
                raise entra_errors.unknown_resource(resource, tenant_name)
            audience = audience or resource
        if name == DEFAULT:
            if not separator:
                raise bad_scope(asked)
            everything = True
            names |= dict.fromkeys(required(application))
            continue
        known = spelled(name)
        if known is None or known in OPENID_SCOPES:
            raise unknown_scope(application, name)
        names[known] = None
    return Wanted(tuple(names), audience or GRAPH_APP_ID, everything)


def required(application: Application) -> tuple[str, ...]:
    """The delegated permissions of Graph that the application's registration lists."""
    wanted = application.manifest.wanted(GRAPH_APP_ID, "Scope")
    return tuple(name for name in map(named_by_id, wanted) if name)


def bad_scope(scope: str) -> EntraError:
    return EntraError(
        70011,
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope "
        f"'{scope}' is not valid.",
    )


def unknown_scope(application: Application, scope: str) -> EntraError:
    return EntraError(
        650053,
        "invalid_client",
        f"The application '{application.display_name}' asked for scope '{scope}' that doesn't "
        f"exist on the resource '{GRAPH_APP_ID}'. Contact the app vendor.",
    )
