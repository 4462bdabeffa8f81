"""What the integration tests run on: containers where a Docker engine answers, else embedded."""

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
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
        with closing(docker.from_env(timeout=5)) as client:
            client.ping()
            for image in (POSTGRES_IMAGE, REDIS_IMAGE):
                if (why := _missing(client, image)) is not None:
                    return Choice("embedded", why)
    except DockerException:
        return Choice("embedded", "no Docker engine answers")
    finally:
        # The client leaves a socket open when it may not connect; some test would be blamed for it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    return Choice("containers", f"{POSTGRES_IMAGE} and {REDIS_IMAGE}")


def _missing(client: docker.DockerClient, image: str) -> str | None:
    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.pull(image)
        except DockerException:
            return f"a Docker engine answers, but can't get {image}"
    return None


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
