"""Which log this is; known once the database has been asked."""

from shared.infrastructure.postgres import Pool


class LogIdentity:
    def __init__(self) -> None:
        self._id: str | None = None

    @property
    def id(self) -> str:
        """The UUID that the log was given when it was made; a copy of the log keeps it."""
        assert self._id is not None, "the log has not been asked who it is yet"
        return self._id

    async def ask(self, pool: Pool) -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute("select id::text from event_store.identity")
            row = await cursor.fetchone()
        assert row is not None
        self._id = row[0]
