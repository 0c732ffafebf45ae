"""Who may get in, over the API: tokens, passwords of local accounts, the key of the secrets."""

from __future__ import annotations

from datetime import timedelta

from litestar import delete, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, JSONBody

from jackfield.core.journal_kinds import LineKind
from jackfield.flows.signin import AccountRole
from jackfield.store.accounts import list_accounts, load_account
from jackfield.store.journal import Line, append_lines
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token, list_tokens, revoke_token
from jackfield.web.api.asking import Caller, Key, Limit, is_one_line, place_behind
from jackfield.web.api.installation_shapes import (
    AccountIn,
    AccountMade,
    AccountOut,
    AccountsOut,
    KeyOut,
    PasswordIn,
    PasswordOut,
    TokenIn,
    TokenMade,
    TokenOut,
    TokensOut,
)
from jackfield.web.api.refusals import Unusable, told
from jackfield.web.rooms import House
from jackfield.web.tenancy import ABOUT, About


@get(
    "/tokens",
    opt={ABOUT: About.EITHER},
    summary="API tokens, revoked ones included",
    responses=told(),
)
async def tokens(
    house: House, limit: Limit = 100, after: FromQuery[str | None] = None
) -> TokensOut:
    """`after` is the id of the last one of the page before."""
    async with house.database.read() as tx:
        found = await list_tokens(tx, house.tenant)
    begin = place_behind(after, [one.id for one in found])
    out = [
        TokenOut(**{name: getattr(one, name) for name in TokenOut.__struct_fields__})
        for one in found[begin : begin + limit]
    ]
    return TokensOut(out, out[-1].id if begin + limit < len(found) else None)


@post(
    "/tokens",
    opt={ABOUT: About.EITHER},
    summary="Create an API token",
    status_code=201,
    responses=told(403, 422),
)
async def make_token(house: House, caller: Caller, data: JSONBody[TokenIn]) -> TokenMade:
    """The secret is in this answer and nowhere else."""
    if not data.name.strip() or not is_one_line(data.name):
        raise Unusable("`name` says what the token is for: words, in one line.")
    now = house.clock.now()
    async with house.database.write() as tx:
        secret, token = await create_token(
            tx,
            house.tenant,
            name=data.name,
            role=data.role,
            created_by=caller.name,
            now=now,
            expires_at=now + timedelta(days=data.days) if data.days else None,
        )
        text = f"The API token {token.name} ({token.id}, {token.role}) was made."
        line = Line(LineKind.TOKEN_MADE, text, subject=token.id, name=token.name, by=caller.name)
        await append_lines(tx, house.tenant, [line], now=now)
    return TokenMade(token.id, secret)


@delete(
    "/tokens/{token:str}",
    opt={ABOUT: About.EITHER},
    summary="Revoke an API token",
    status_code=204,
    responses=told(403, 404),
)
async def end_token(house: House, caller: Caller, token: Key) -> None:
    """For good; it opens nothing from now on."""
    now = house.clock.now()
    async with house.database.write() as tx:
        if not await revoke_token(tx, house.tenant, token, now=now):
            raise NotFoundException(f"There is no token {token!r} that could be revoked.")
        text = f"The API token {token} was revoked."
        line = Line(LineKind.TOKEN_REVOKED, text, subject=token, by=caller.name)
        await append_lines(tx, house.tenant, [line], now=now)


@get(
    "/accounts",
    opt={ABOUT: About.INSTALLATION},
    summary="Local accounts, and what each sees",
    responses=told(),
)
async def accounts(
    house: House, limit: Limit = 100, after: FromQuery[str | None] = None
) -> AccountsOut:
    """`after` is the name of the last one of the page before."""
    async with house.database.read() as tx:
        found = await list_accounts(tx)
    begin = place_behind(after, [one.name for one in found])
    out = [
        AccountOut(one.name, AccountRole(one.role), one.of_tenant or None, one.created_at)
        for one in found[begin : begin + limit]
    ]
    return AccountsOut(out, out[-1].name if begin + limit < len(found) else None)


@post(
    "/accounts",
    opt={ABOUT: About.INSTALLATION},
    summary="Make a local account",
    status_code=201,
    responses=told(403, 409, 422),
)
async def make_account(house: House, caller: Caller, data: JSONBody[AccountIn]) -> AccountMade:
    """For the whole installation or one tenant; the password is in this answer and nowhere else."""
    made, password = await house.signin.make_account(
        data.name, data.role, data.tenant or INSTALLATION, by=caller.name
    )
    return AccountMade(made.name, data.role, data.tenant, password)


@delete(
    "/accounts/{name:str}",
    opt={ABOUT: About.INSTALLATION},
    summary="Remove a local account",
    status_code=204,
    responses=told(403, 404, 409),
)
async def end_account(house: House, caller: Caller, name: Key) -> None:
    """Its sessions are over; the last administrator of the installation cannot be removed."""
    await house.signin.remove_account(name, by=caller.name)


@post(
    "/accounts/reset-password",
    opt={ABOUT: About.INSTALLATION},
    summary="A new password for a local account",
    status_code=200,
    responses=told(403, 404),
)
async def reset_password(house: House, caller: Caller, data: JSONBody[PasswordIn]) -> PasswordOut:
    """Its sessions are over; the password is in this answer and nowhere else."""
    async with house.database.read() as tx:
        account = await load_account(tx, data.name)
    if account is None:
        raise NotFoundException(f"There is no local account {data.name!r}.")
    password = await house.signin.reset_password(account.name, by=caller.name)
    return PasswordOut(account.name, password)


@post(
    "/key/rotate",
    opt={ABOUT: About.INSTALLATION},
    summary="A new key for the stored secrets",
    status_code=200,
    responses=told(403, 409),
)
async def rotate_key(house: House, caller: Caller) -> KeyOut:
    """Every stored secret is encrypted anew; the old key is dropped at the end."""
    return KeyOut(await house.keys.rotate(caller.name))


ROUTES = (
    tokens,
    make_token,
    end_token,
    accounts,
    make_account,
    end_account,
    reset_password,
    rotate_key,
)
