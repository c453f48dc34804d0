"""Claims: leases in a shared database that say which server fits what.

A server that begins a fit first claims its key, for some seconds at a time; one that does not get it waits for the result
in the store, or for the claim to expire, should its owner have died. The claim of a cancelled fit is revoked for a while, so
that servers where it has waited since before that do not begin it. The database's clock counts, so servers' clocks may
differ. Without a usable database every claim succeeds: to fit something twice is better than not at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from forecasting.storage.database import Database
from forecasting.support import settings

_tables = sa.MetaData()
_claims = sa.Table(
    "fit_claims",
    _tables,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(32), nullable=False),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
)

#: The owner of a revoked claim; its `until` is when it was revoked.
NOBODY = ""
#: How long a revoked claim is kept: longer than any fit waits.
REVOKED_FOR = timedelta(hours=6)


class Claims:
    """The claims of one queue, in a PostgreSQL database. Every method may be called from any thread.

    Args:
        url: of the database.
        lease: seconds that a claim lasts unless it is renewed; `settings.lease()` by default.

    Attributes:
        lease: the same.
    """

    def __init__(self, url: str, lease: float | None = None) -> None:
        self._database = Database(url, _tables)
        self._owner = uuid.uuid4().hex
        self.lease = settings.lease() if lease is None else lease

    def take(self, key: str, age: float = 0.0) -> bool:
        """Claim `key`. False where another queue has it now, or it was revoked in the `age` seconds since it was submitted."""
        mine = insert(_claims).values(key=key, owner=self._owner, until=self._until)
        over = sa.and_(_claims.c.until < sa.func.now(), sa.not_(_revoked(age)))
        taken = mine.on_conflict_do_update(
            index_elements=["key"],
            set_={"owner": self._owner, "until": self._until},
            where=sa.or_(_claims.c.owner == self._owner, over),
        ).returning(_claims.c.key)
        found = self._database.run_transaction(
            "write", lambda connection: [row.key for row in connection.execute(taken)]
        )
        return found is None or key in found

    def revoked(self, key: str, age: float) -> bool:
        """Whether `key` was revoked in the last `age` seconds, and nobody has claimed it since."""
        query = sa.select(_claims.c.key).where(_claims.c.key == key, _revoked(age))
        return bool(self._database.run_transaction("read", lambda connection: connection.scalars(query).all()))

    def release(self, keys: Collection[str]) -> None:
        """Give up the claims of `keys`."""
        mine = _claims.delete().where(_claims.c.key.in_(keys), _claims.c.owner == self._owner)
        self._database.run_transaction("write", lambda connection: connection.execute(mine))

    def revoke(self, key: str, ago: float = 0.0) -> None:
        """Take the claim from another queue, which will end the fit. It was cancelled `ago` seconds ago."""
        cancelled = sa.func.now() - timedelta(seconds=ago)
        gone = insert(_claims).values(key=key, owner=NOBODY, until=cancelled)
        gone = gone.on_conflict_do_update(
            index_elements=["key"], set_={"owner": NOBODY, "until": cancelled}, where=_claims.c.owner != self._owner
        )
        old = _claims.delete().where(_claims.c.owner == NOBODY, _claims.c.until < sa.func.now() - REVOKED_FOR)

        def work(connection: sa.Connection) -> None:
            connection.execute(gone)
            connection.execute(old)

        self._database.run_transaction("write", work)

    def renew(self, keys: Collection[str]) -> dict[str, bool]:
        """Renew the claims of `keys`; returns those that are lost, and whether another queue has each (else it was revoked)."""
        if not keys:
            return {}
        mine = _claims.c.key.in_(keys)
        renewed = _claims.update().where(mine, _claims.c.owner == self._owner).values(until=self._until)

        def work(connection: sa.Connection) -> dict[str, str]:
            connection.execute(renewed)
            return {row.key: row.owner for row in connection.execute(sa.select(_claims).where(mine))}

        owners = self._database.run_transaction("write", work)
        if owners is None:
            return {}
        return {key: bool(owners.get(key)) for key in keys if owners.get(key) != self._owner}

    def held(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that some queue claims now; all of them where the database cannot be asked."""
        now = sa.select(_claims.c.key).where(_claims.c.key.in_(keys), _claims.c.until >= sa.func.now())
        found = self._database.run_transaction("read", lambda connection: set(connection.scalars(now)))
        return set(keys) if found is None else found

    def close(self) -> None:
        """Release all claims and close the database."""
        mine = _claims.delete().where(_claims.c.owner == self._owner)
        self._database.run_transaction("write", lambda connection: connection.execute(mine))
        self._database.close()

    @property
    def _until(self) -> sa.ColumnElement[datetime]:
        return sa.func.now() + timedelta(seconds=self.lease)


def _revoked(age: float) -> sa.ColumnElement[bool]:
    since = sa.func.now() - timedelta(seconds=age)
    return sa.and_(_claims.c.owner == NOBODY, _claims.c.until >= since)
