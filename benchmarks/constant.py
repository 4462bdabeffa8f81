"""A Litestar handler that returns the same bytes from memory, served as our own API is."""

import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces, Loops
from litestar import Litestar, Response, get


def app() -> Litestar:
    body = Path(os.environ["BENCH_BODY"]).read_bytes()

    @get("/events", sync_to_thread=False)
    def constant() -> Response[bytes]:
        return Response(body, media_type="application/json")

    return Litestar([constant], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    Granian(
        "benchmarks.constant:app",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address="127.0.0.1",
        port=int(os.environ["PORT"]),
        workers=1,
        log_access=False,
    ).serve()
