"""Looks for a word in all that is kept: every table of the database, and all of Redis."""

from collections.abc import AsyncIterator
from typing import Any

from psycopg.sql import SQL, Identifier

from bootstrap import Application


async def traces(application: Application, word: str) -> list[str]:
    """Where it stands, as it is written or as bytes are shown, whatever its case."""
    found = [table async for table in _tables_with(application, word)]
    return [*found, *[f"redis {key!r}" async for key in _keys_with(application, word)]]


async def _tables_with(application: Application, word: str) -> AsyncIterator[str]:
    async with application.pool().connection() as connection:
        tables = await connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_type = 'BASE TABLE'"
            " and table_schema not in ('pg_catalog', 'information_schema')"
        )
        for schema, name in await tables.fetchall():
            rows = await connection.execute(
                SQL(
                    "select count(*) from {} as one where one::text ilike %s or one::text like %s"
                ).format(Identifier(schema, name)),
                (f"%{word}%", f"%{word.encode().hex()}%"),
            )
            if (await rows.fetchone() or (0,))[0]:
                yield f"{schema}.{name}"


async def _keys_with(application: Application, word: str) -> AsyncIterator[bytes]:
    redis = application.redis()
    async for key in redis.scan_iter():
        held: Any
        match await redis.type(key):
            case b"string":
                held = await redis.get(key)
            case b"hash":
                held = await redis.hgetall(key)
            case b"list":
                held = await redis.lrange(key, 0, -1)
            case b"set":
                held = await redis.smembers(key)
            case b"zset":
                held = await redis.zrange(key, 0, -1)
            case b"stream":
                held = await redis.xrange(key)
            case b"none":
                continue
            case kind:
                raise AssertionError(f"{key!r} is a {kind!r}, which nobody looks into here")
        if word.lower() in repr((key, held)).lower():
            yield key
