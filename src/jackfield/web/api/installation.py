"""The installation itself over the API: state, connection, journal, alarms, tokens, accounts."""

from __future__ import annotations

from datetime import timedelta

from litestar import delete, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from jackfield.flows.setup import ConnectAsk, SetupRefused
from jackfield.store.alarms import list_alarms, open_alarms
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.runs import list_runs
from jackfield.store.schema import INSTALLATION
from jackfield.store.settings import (
    load_people_settings,
)
from jackfield.store.tenants import load_connection
from jackfield.store.tokens import create_token, list_tokens, revoke_token
from jackfield.web.api.running import run_out
from jackfield.web.api.shapes import (
    AlarmOut,
    AlarmsOut,
    By,
    ConnectedOut,
    ConnectIn,
    ConnectionOut,
    JournalOut,
    Limit,
    LineOut,
    PasswordIn,
    PasswordOut,
    StatusOut,
    TokenIn,
    TokenMade,
    TokenOut,
    TokensOut,
)
from jackfield.web.rooms import House


@get("/status", summary="The installation in figures")
async def status(rooms: House) -> StatusOut:
    async with rooms.database.read() as tx:
        connection = await load_connection(tx, rooms.tenant)
        settings = await load_people_settings(tx, rooms.tenant)
        runs = await list_runs(tx, rooms.tenant, limit=1)
        return StatusOut(
            connected=connection is not None,
            organisation="" if connection is None else connection.organisation,
            sync=settings.value.enabled,
            people=(await count_people(tx, rooms.tenant)).present,
            linked=(await count_links(tx, rooms.tenant)).linked,
            open_alarms=len(await open_alarms(tx, rooms.tenant)),
            last_run=await run_out(tx, rooms.tenant, runs[0]) if runs else None,
        )


@get("/connection", summary="The connection to Microsoft 365")
async def connection(rooms: House) -> ConnectionOut:
    async with rooms.database.read() as tx:
        known = await load_connection(tx, rooms.tenant)
    if known is None:
        return ConnectionOut(connected=False)
    return ConnectionOut(
        True,
        known.tid,
        known.organisation,
        known.client_id,
        known.credential,
        known.cloud,
        known.connected_at,
        known.last_verified_at,
        known.credential_expires_at,
    )


@post("/connection", summary="Connect Microsoft 365", status_code=200)
async def connect(rooms: House, viewer: By, data: JSONBody[ConnectIn]) -> ConnectedOut:
    ask = ConnectAsk(**{name: getattr(data, name) for name in ConnectIn.__struct_fields__})
    try:
        made = await rooms.setup.connect(rooms.tenant, ask, by=viewer.name)
    except SetupRefused as error:
        raise ClientException(str(error)) from error
    return ConnectedOut(made.tid, made.organisation, list(made.missing))


@get("/journal", summary="What was done, and why")
async def journal(
    rooms: House,
    kind: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    run: FromQuery[str] = "",
    text: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    limit: Limit = 50,
) -> JournalOut:
    which = JournalFilter(kind, subject, run, text)
    async with rooms.database.read() as tx:
        page = await load_lines(tx, rooms.tenant, which, before=before, limit=limit)
    lines = [
        LineOut(one.seq, one.at, one.kind, one.subject, one.name, one.text, one.run, one.by)
        for one in page.lines
    ]
    return JournalOut(lines, page.next)


@get("/alarms", summary="Alarms, the newest first")
async def alarms(rooms: House, open_only: FromQuery[bool] = True, limit: Limit = 50) -> AlarmsOut:
    async with rooms.database.read() as tx:
        if open_only:
            found = await open_alarms(tx, rooms.tenant)
        else:
            found = await list_alarms(tx, rooms.tenant, limit=limit)
    return AlarmsOut(
        [AlarmOut(a.id, a.kind, a.text, a.next_step, a.begun_at, a.ended_at) for a in found]
    )


@get("/tokens", summary="API tokens")
async def tokens(rooms: House) -> TokensOut:
    async with rooms.database.read() as tx:
        found = await list_tokens(tx, INSTALLATION)
    return TokensOut(
        [
            TokenOut(**{name: getattr(one, name) for name in TokenOut.__struct_fields__})
            for one in found
        ]
    )


@post("/tokens", summary="Create an API token", status_code=201)
async def make_token(rooms: House, viewer: By, data: JSONBody[TokenIn]) -> TokenMade:
    now = rooms.clock.now()
    async with rooms.database.write() as tx:
        secret, token = await create_token(
            tx,
            INSTALLATION,
            name=data.name,
            role="administrator",
            created_by=viewer.name,
            now=now,
            expires_at=now + timedelta(days=data.days) if data.days else None,
        )
    return TokenMade(token.id, secret)


@delete("/tokens/{token:str}", summary="Revoke an API token", status_code=204)
async def end_token(rooms: House, token: FromPath[str]) -> None:
    async with rooms.database.write() as tx:
        if not await revoke_token(tx, INSTALLATION, token, now=rooms.clock.now()):
            raise NotFoundException(f"There is no token {token} that could be revoked.")


@post("/accounts/reset-password", summary="A new password for a local account", status_code=200)
async def reset_password(rooms: House, data: JSONBody[PasswordIn]) -> PasswordOut:
    return PasswordOut(data.name, await rooms.signin.reset_password(data.name))


ROUTES = (
    status,
    connection,
    connect,
    journal,
    alarms,
    tokens,
    make_token,
    end_token,
    reset_password,
)
