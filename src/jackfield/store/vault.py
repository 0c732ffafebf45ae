"""Secrets at rest: encrypted with keys that are kept in a file beside the database, never in it.

Fernet (AES-128-CBC and HMAC-SHA256; source: cryptography docs, Fernet, read 2026-11). Inside the
encrypted text stand tenant and name, so that a row moved to another place is refused. The file's
first key encrypts, every key decrypts.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Table, delete, select, update
from sqlalchemy import text as sql

from jackfield.store.errors import SecretUnreadable
from jackfield.store.schema import key, metadata, moment, tenant_key, text
from jackfield.store.transaction import Transaction

secrets = Table("secret", metadata, tenant_key(), key("name"), text("sealed"), moment("changed_at"))


_LOCK = sql("LOCK TABLE secret IN SHARE ROW EXCLUSIVE MODE")
"""Nobody else writes secrets until the end of the transaction; SQLite has one writer anyway."""


class KeyFileRefused(SecretUnreadable):
    """The key file is missing, broken, or open to other users."""


class Vault:
    """The secrets of one database, with the keys of one file."""

    def __init__(self, key_file: Path, keys: tuple[bytes, ...]) -> None:
        self.key_file = key_file
        self._keys = keys
        self._box = _box(keys)

    @classmethod
    def open(cls, key_file: Path, *, create: bool = True) -> Vault:
        """Read the key file; make it (mode 0600) when it is missing and `create` says so.

        Raises `KeyFileRefused`.
        """
        if create and not key_file.exists():
            _create(key_file)
        return cls(key_file, _read(key_file))

    async def save(
        self, tx: Transaction, tenant: int, name: str, secret: str | bytes, *, now: datetime
    ) -> None:
        """Keep a secret, replacing an older one of the same name."""
        plain = secret.encode() if isinstance(secret, str) else secret
        values = {
            "sealed": self._box.encrypt(_label(tenant, name) + plain).decode(),
            "changed_at": now,
        }
        await tx.run(
            tx.insert(secrets)
            .values(tenant=tenant, name=name, **values)
            .on_conflict_do_update(index_elements=["tenant", "name"], set_=values)
        )

    async def agree(
        self, tx: Transaction, tenant: int, name: str, secret: str, *, now: datetime
    ) -> bytes:
        """The secret of that name; `secret`, where there is none yet.

        Several that begin at once get the same one.
        """
        sealed = self._box.encrypt(_label(tenant, name) + secret.encode()).decode()
        await tx.run(
            tx.insert(secrets)
            .values(tenant=tenant, name=name, sealed=sealed, changed_at=now)
            .on_conflict_do_nothing()
        )
        agreed = await self.load(tx, tenant, name)
        assert agreed is not None  # noqa: S101 - it stands since the line before
        return agreed

    async def load(self, tx: Transaction, tenant: int, name: str) -> bytes | None:
        """A secret; None for an unknown name.

        Raises `SecretUnreadable` when the keys do not fit.
        """
        c = secrets.c
        sealed = await tx.scalar(select(c.sealed).where(c.tenant == tenant, c.name == name))
        return None if sealed is None else self._unseal(tenant, name, sealed)

    async def remove(self, tx: Transaction, tenant: int, name: str) -> bool:
        """Forget a secret; False for an unknown name."""
        c = secrets.c
        return await tx.run(delete(secrets).where(c.tenant == tenant, c.name == name)) == 1

    async def check(self, tx: Transaction) -> None:
        """Raise `SecretUnreadable` unless every stored secret can be read.

        Said at start, not at 2 in the morning.
        """
        for tenant, name, sealed in await self._all(tx):
            self._unseal(tenant, name, sealed)

    def add_key(self) -> None:
        """The first step of a rotation: a new first key; the older ones still decrypt.

        Raises `KeyFileRefused` where the file cannot be written or is another one by now.
        """
        if _read(self.key_file) != self._keys:
            raise KeyFileRefused(
                f"The key file {self.key_file} was changed since Jackfield read it. Start Jackfield"
                " again, then rotate the key."
            )
        keys = (Fernet.generate_key(), *self._keys)
        self._write(keys)
        self._keys = keys
        self._box = _box(keys)

    async def reseal(self, tx: Transaction) -> int:
        """The second step: what another key than the first has encrypted is encrypted anew.

        Returns how many secrets that were. Repeat it until it returns 0: on PostgreSQL a secret
        that was being saved at that moment may come behind it.
        """
        if not tx.sqlite:
            await tx.run(_LOCK)
        newest = _box(self._keys[:1])
        resealed = 0
        for tenant, name, sealed in await self._all(tx):
            if _opens(newest, sealed):
                continue
            plain = _label(tenant, name) + self._unseal(tenant, name, sealed)
            c = secrets.c
            await tx.run(
                update(secrets)
                .where(c.tenant == tenant, c.name == name)
                .values(sealed=newest.encrypt(plain).decode())
            )
            resealed += 1
        return resealed

    def drop_old_keys(self) -> None:
        """The third step, after the second was committed: only the first key is left in the file.

        In memory the others still decrypt what somebody has read a moment ago.
        """
        self._write(self._keys[:1])
        self._keys = self._keys[:1]

    async def _all(self, tx: Transaction) -> list[tuple[int, str, str]]:
        c = secrets.c
        rows = await tx.rows(select(c.tenant, c.name, c.sealed).order_by(c.tenant, c.name))
        return [(row[0], row[1], row[2]) for row in rows]

    def _unseal(self, tenant: int, name: str, sealed: str) -> bytes:
        try:
            plain = self._box.decrypt(sealed)
        except InvalidToken as error:
            raise SecretUnreadable(
                f"The secret {name!r} of tenant {tenant} cannot be decrypted with the keys in "
                f"{self.key_file}. Restore the key file that belongs to this database, or enter "
                "the secret again."
            ) from error
        label = _label(tenant, name)
        if not plain.startswith(label):
            raise SecretUnreadable(
                f"The secret {name!r} of tenant {tenant} was written for another place in the "
                "database. Restore the database from a backup, or enter the secret again."
            )
        return plain[len(label) :]

    def _write(self, keys: tuple[bytes, ...]) -> None:
        aside = self.key_file.with_name(self.key_file.name + ".new")
        try:
            aside.unlink(missing_ok=True)
            _create(aside, keys)
            aside.replace(self.key_file)
            # Else a power cut could bring the old file back beside secrets under the new key.
            folder = os.open(self.key_file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _not_written(self.key_file, error) from error


async def holds_secrets(tx: Transaction) -> bool:
    """Whether any secret is stored: then only the key file that sealed it will do."""
    return await tx.row(select(secrets.c.name).limit(1)) is not None


async def holds_secret(tx: Transaction, tenant: int, name: str) -> bool:
    """Whether a secret of that name is stored, without reading it."""
    c = secrets.c
    return await tx.row(select(c.name).where(c.tenant == tenant, c.name == name)) is not None


async def forget_every_secret(tx: Transaction) -> int:
    """Remove all secrets, for their key is lost; returns how many."""
    return await tx.run(delete(secrets))


def _box(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _opens(box: MultiFernet, sealed: str) -> bool:
    try:
        box.decrypt(sealed)
    except InvalidToken:
        return False
    return True


def _label(tenant: int, name: str) -> bytes:
    return f"{tenant}\0{name}\0".encode()


def _not_written(path: Path, error: OSError) -> KeyFileRefused:
    return KeyFileRefused(
        f"The key file {path} cannot be written: {error.strerror}. Give the user that runs"
        " Jackfield write access to the folder."
    )


def _create(path: Path, keys: tuple[bytes, ...] = ()) -> None:
    content = b"\n".join(keys or (Fernet.generate_key(),)) + b"\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise _not_written(path, error) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> tuple[bytes, ...]:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            # A pipe would be waited for, and a device read, for ever.
            raise KeyFileRefused(
                f"The key file {path} is no file. Restore it from the backup of this installation."
            )
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            raise KeyFileRefused(
                f"The key file {path} can be read by other users (mode {mode:04o}). "
                f"Run: chmod 600 {path}"
            )
        keys = tuple(path.read_bytes().split())
    except OSError as error:
        raise KeyFileRefused(
            f"The key file {path} cannot be read: {error.strerror}. Restore it from "
            "the backup of this installation, or copy it from another of its processes; without it "
            "the stored secrets are lost and must be entered again."
        ) from error
    try:
        _box(keys)
    except ValueError as error:
        raise KeyFileRefused(
            f"The key file {path} does not hold keys of Jackfield. Restore it from a backup."
        ) from error
    return keys
