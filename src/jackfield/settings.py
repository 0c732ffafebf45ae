"""What the process needs before the database is open: a TOML file and the environment, read once.

The administrator's choices are not here (see `store/settings.py`). An unknown key refuses to start
and names the nearest known one, so that a typing error never becomes a silent default.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from jackfield.core.text import mask_passwords

ENVIRONMENT_PREFIX = "JACKFIELD_"
FILE_VARIABLE = "JACKFIELD_CONFIG"
TENANT_VARIABLE = "JACKFIELD_TENANT"
"""Which tenant a command is about: no setting of the process."""
FILE_NAME = "jackfield.toml"


_PORT = re.compile("[0-9]{1,5}")
_FIGURES = re.compile("[0-9.]+")
SERVER_FILE = "server.json"
"""Name of the `ServerFile` in the data folder."""
DATABASE_FILE = "jackfield.db"
KEY_FILE = "jackfield.key"
LOCK_FILE = "lock"
"""Name of the file in the data folder that the one process which works there holds locked."""


class ServerFile(msgspec.Struct, frozen=True):
    """What a running server leaves in its data folder for commands on the same machine.

    Readable by its owner only.
    """

    url: str
    token: str
    pid: int


class SettingsError(Exception):
    """A setting that cannot be used; the text says where it stands and what would be right."""


class LogLevel(StrEnum):
    """How much the process says."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Role(StrEnum):
    """Parts of the work that a process takes on."""

    WEB = "web"
    """Console, API and health pages."""
    SYNC = "sync"
    """Runs: reading Microsoft 365, planning, writing to the phone system."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process. `doctor` prints them; `docs/settings.md` explains them."""

    data_dir: Path = Path("jackfield-data")
    """Folder of the SQLite databases, the key file, the token file and the lock."""
    database_url: str = ""
    """`postgresql://user:password@host/database`; empty = SQLite in `data_dir`."""
    listen: str = "127.0.0.1:8200"
    """Address and port of the console and the API."""
    public_url: str = ""
    """How people reach the console from outside, e.g.

    `https://pbx.example.org`; empty = `http://{listen}`.
    """
    allow_insecure_http: bool = False
    """Allow plain http on an address other than loopback.

    Cookies and passwords then travel in clear text.
    """
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies whose `X-Forwarded-For` and `-Proto` are
    believed.
    """
    log_level: LogLevel = LogLevel.INFO
    roles: tuple[Role, ...] = (Role.WEB, Role.SYNC)

    @property
    def listen_host(self) -> str:
        """The address without the port, brackets of IPv6 removed."""
        return _split_listen(self.listen)[0]

    @property
    def listen_port(self) -> int:
        """The port; 0 = any free one."""
        return _split_listen(self.listen)[1]

    @property
    def url(self) -> str:
        """The address of the console as people type it, without a slash at its end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = self.listen_host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.listen_port}"


def load_settings(
    environment: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read the file, then the environment, then `overrides` (command line); later ones win.

    The file is `file`, else the one `JACKFIELD_CONFIG` names, else `jackfield.toml` in the current
    folder if it is there. Raises `SettingsError` for anything unknown or unusable.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, object] = {}
    named = file or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    path = named or Path(FILE_NAME)
    if named is not None or path.exists():
        values |= _read_file(path)
    for variable, text in environment.items():
        if variable in {FILE_VARIABLE, TENANT_VARIABLE}:
            continue
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            if not _is_utf8(text):
                raise SettingsError(f"The setting {name!r} in the environment is not UTF-8.")
            values[_known(name, f"the environment variable {variable}", ENVIRONMENT_PREFIX)] = (
                _parse_text(name, text)
            )
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    if "data_dir" in values and not _is_path(values["data_dir"]):
        # An empty one would be the current folder, wherever that is.
        raise SettingsError(
            f"The setting 'data_dir' is {values['data_dir']!r}; it takes the path of a folder."
        )
    _check_roles(values.get("roles"))
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(_located(str(error))) from None
    _check(settings)
    return settings


def describe(settings: Settings) -> dict[str, str]:
    """Every setting as text for `doctor`, the database password masked."""
    shown = {name: _shown(getattr(settings, name)) for name in Settings.__struct_fields__}
    shown["database_url"] = mask_passwords(settings.database_url)
    return shown


def is_loopback(host: str) -> bool:
    """Whether an address or name stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_file(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"Cannot read the settings file {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from None
    return {_known(name, f"the file {path}", ""): value for name, value in document.items()}


def _known(name: str, where: str, prefix: str) -> str:
    known = Settings.__struct_fields__
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    nearest = near[0] if near else "data_dir"
    suggestion = f"{prefix}{nearest.upper()}" if prefix else nearest
    raise SettingsError(
        f"Unknown setting {name!r} in {where}. The nearest known one is {suggestion!r}; "
        "docs/settings.md lists them all."
    )


def _check_roles(roles: object) -> None:
    """Raise for a role that there is not, with the nearest one; other shapes are refused later."""
    known = [role.value for role in Role]
    for role in roles if isinstance(roles, list | tuple) else ():
        if isinstance(role, str) and role not in known:
            (near,) = difflib.get_close_matches(role.lower(), known, n=1, cutoff=0.0)
            raise SettingsError(
                f"The setting 'roles' holds {role!r}, which is no role; the nearest one is "
                f"{near!r}. It takes one or more of: {', '.join(known)}."
            )


def _parse_text(name: str, text: str) -> object:
    if name in {"roles", "trusted_proxies"}:
        return [part.strip() for part in text.split(",") if part.strip()]
    if name == "log_level":
        return text.strip().lower()
    if name == "allow_insecure_http":
        return {
            "1": True,
            "true": True,
            "yes": True,
            "0": False,
            "false": False,
            "no": False,
            "": False,
        }.get(text.strip().lower(), text)
    return text


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    # What msgspec's `dec_hook` does with a type it does not know. Source: msgspec docs, Extending.
    raise NotImplementedError


def _located(message: str) -> str:
    problem, _, where = message.partition(" - at `$.")
    name = where.rstrip("`") or "a setting"
    known = {"log_level": LogLevel, "roles": Role}.get(name.partition("[")[0])
    takes = f" It takes: {', '.join(known)}." if known is not None else " See docs/settings.md."
    return f"The setting {name!r} cannot be used: {problem[:1].lower()}{problem[1:]}.{takes}"


def _split_listen(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not _PORT.fullmatch(port) or int(port) > 65535:
        raise SettingsError(
            f"The setting 'listen' is {listen!r}; it takes an address and a port, e.g. "
            "'127.0.0.1:8200' or '[::1]:8200'."
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_utf8(text: str) -> bool:
    # Python keeps other bytes of the environment as halves of characters.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_path(value: object) -> bool:
    text = str(value)
    return isinstance(value, str | Path) and bool(text.strip()) and "\0" not in text


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.startswith(("http://", "https://")) and parts.path in {"", "/"} and port != 0
    return plain and bool(parts.hostname) and not {"@", "?", "#"} & set(url)


def _check_address(listen: str, host: str) -> None:
    """Raise for what is meant as an address and is none; names are for the resolver to know."""
    if not _FIGURES.fullmatch(host) and ":" not in host:
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise SettingsError(
            f"The setting 'listen' is {listen!r}, and {host!r} is no address; take one of this "
            "machine's, e.g. '127.0.0.1:8200' or '[::1]:8200'."
        ) from None


def _check(settings: Settings) -> None:
    host, _ = _split_listen(settings.listen)
    _check_address(settings.listen, host)
    if settings.database_url and not settings.database_url.startswith(
        ("postgresql://", "postgres://")
    ):
        raise SettingsError(
            "The setting 'database_url' must begin with 'postgresql://'; leave it empty for SQLite "
            "in 'data_dir'."
        )
    if settings.public_url and not _is_origin(settings.public_url):
        raise SettingsError(
            f"The setting 'public_url' is {settings.public_url!r}; it takes scheme and host only, "
            "e.g. 'https://pbx.example.org'."
        )
    reached_by_https = settings.public_url.startswith("https://")
    reached_at = urlsplit(settings.public_url).hostname if settings.public_url else host
    if (
        not reached_by_https
        and not is_loopback(reached_at or "")
        and not settings.allow_insecure_http
    ):
        raise SettingsError(
            f"The console would be reached at {settings.url} without encryption: passwords and "
            "sessions would travel in clear text. Put a reverse proxy with TLS before it and set "
            "'public_url' to its https address, listen on 127.0.0.1, or set "
            "'allow_insecure_http = true' if you accept that."
        )
    if not settings.roles:
        raise SettingsError("The setting 'roles' is empty; it takes one or more of: web, sync.")
    if not settings.database_url and set(settings.roles) != set(Role):
        missing = next(role.value for role in Role if role not in settings.roles)
        raise SettingsError(
            f"The setting 'roles' leaves out {missing!r}, and on SQLite no other process can take "
            "it on. Leave 'roles' out, or share a PostgreSQL: set 'database_url'."
        )
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise SettingsError(
                f"The setting 'trusted_proxies' holds {proxy!r}, which is neither an address nor "
                "a network."
            ) from None


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return str(value)
