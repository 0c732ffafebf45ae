"""Where Microsoft lives: login and Graph addresses per cloud, or an administrator's own.

Decided here: which addresses are acceptable at all. Plain http goes to loopback only.
Source: Graph docs, concepts/deployments, read 2026-11.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class CloudName(StrEnum):
    """Microsoft's clouds, by the names of the command line."""

    GLOBAL = "global"
    US_GOV = "usgov"
    """GCC High (L4)."""
    DOD = "dod"
    CHINA = "china"
    """21Vianet; it has no presence API."""
    OWN = "own"
    """Addresses given by the administrator."""


MICROSOFTS_SCOPE = "https://graph.microsoft.com/.default"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The two addresses of a cloud. Tokens of one cloud are worth nothing in another."""

    name: CloudName
    login: str
    """Origin of the login authority, without a slash at its end."""
    graph: str
    """Origin of Graph, without version and without a slash at its end."""
    ca_bundle: str = ""
    """Certificates to trust besides the system's."""

    @property
    def root(self) -> str:
        """Where Graph's paths begin."""
        return f"{self.graph}/v1.0"

    @property
    def scopes(self) -> tuple[str, ...]:
        """What an application asks a token for: everything it was granted on this Graph.

        A server at an own address may know Graph only by Microsoft's name, so that comes second.
        """
        own = f"{self.graph}/.default"
        return (own, MICROSOFTS_SCOPE) if self.name is CloudName.OWN else (own,)

    def token_endpoint(self, tenant: str) -> str:
        return f"{self.login}/{tenant}/oauth2/v2.0/token"


class AddressRefused(ValueError):
    """A login or Graph address that cannot be used; the text says why."""


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(CloudName.GLOBAL, "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        Cloud(CloudName.US_GOV, "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        Cloud(CloudName.DOD, "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        Cloud(
            CloudName.CHINA,
            "https://login.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
        ),
    )
}


def own_cloud(login_url: str, graph_url: str, ca_bundle: str = "") -> Cloud:
    """A cloud by its addresses; Graph's may end in `/v1.0`. Raises `AddressRefused`."""
    return Cloud(
        CloudName.OWN,
        _origin(login_url, "login"),
        _origin(graph_url.rstrip("/").removesuffix("/v1.0"), "Graph"),
        ca_bundle,
    )


def is_loopback(host: str) -> bool:
    """Whether a host name stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str, which: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressRefused(f"The {which} address {url!r} cannot be read: {error}.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise AddressRefused(
            f"The {which} address {url!r} must begin with https:// and name a host."
        )
    if parts.username is not None or parts.query or parts.fragment or parts.path not in {"", "/"}:
        raise AddressRefused(
            f"The {which} address {url!r} takes a host and a port, nothing else:"
            " no path, no tenant."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise AddressRefused(
            f"The {which} address {url!r} is plain http; credentials and people's data "
            "would travel in clear text. Use https (plain http is for loopback only)."
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
