"""What the integration tests run on: containers where a Docker engine answers, else embedded."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import docker
from docker.errors import DockerException, ImageNotFound
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer

from embedded import Servers

POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:18")
REDIS_IMAGE = os.environ.get("REDIS_IMAGE", "redis:8")


class Choice(NamedTuple):
    kind: str
    why: str


class Urls(NamedTuple):
    database: str
    redis: str


def choose() -> Choice:
    """MARQUEE_TEST_SERVERS=containers makes their absence a failure; =embedded needs no Docker."""
    asked = os.environ.get("MARQUEE_TEST_SERVERS", "")
    if asked in ("containers", "embedded"):
        return Choice(asked, "as MARQUEE_TEST_SERVERS says")
    if asked:
        raise ValueError("MARQUEE_TEST_SERVERS is neither 'containers' nor 'embedded'")
    try:
        client = docker.from_env(timeout=5)
        client.ping()
    except DockerException:
        return Choice("embedded", "no Docker engine answers")
    for image in (POSTGRES_IMAGE, REDIS_IMAGE):
        try:
            client.images.get(image)
        except ImageNotFound:
            try:
                client.images.pull(image)
            except DockerException:
                return Choice("embedded", f"a Docker engine answers, but can't get {image}")
    return Choice("containers", f"{POSTGRES_IMAGE} and {REDIS_IMAGE}")


@contextmanager
def started(kind: str) -> Iterator[Urls]:
    with ExitStack() as stack:
        if kind == "embedded":
            home = Path(stack.enter_context(TemporaryDirectory()))
            # Servers that root starts run as somebody else, who has to get in.
            home.chmod(0o755)
            servers = stack.enter_context(Servers(home / "home", durable=False))
            yield Urls(servers.database_url, servers.redis_url)
            return
        postgres = stack.enter_context(
            PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(
                "postgres -c fsync=off -c max_connections=200"
            )
        )
        redis = stack.enter_context(RedisContainer(REDIS_IMAGE))
        host, port = redis.get_container_host_ip(), redis.get_exposed_port(6379)
        yield Urls(postgres.get_connection_url(), f"redis://{host}:{port}/0")
