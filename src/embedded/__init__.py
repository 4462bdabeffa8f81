"""PostgreSQL and Valkey from wheels, and a supervisor that keeps a program's processes running.

A *home* is the folder that everything is kept in. `Servers(home)` runs both servers in it and is
all that a test needs; `running(home)` is how another process finds them.

A *part* is one process of the program. A `Supervisor` starts the parts in order, starts again
what dies, and stops all of them within five seconds. The servers can be had as parts.

Two promises hold whatever happens: nothing stays behind when the process that started it is gone,
even by `kill -9`, and the person at the terminal gets one sentence (`EmbeddedError`), no traceback.

Nothing here knows the program that is served.
"""

from embedded.part import Part
from embedded.process import EmbeddedError, die_with_parent
from embedded.servers import Servers, Urls, running
from embedded.supervisor import Supervisor

__all__ = [
    "EmbeddedError",
    "Part",
    "Servers",
    "Supervisor",
    "Urls",
    "die_with_parent",
    "running",
]
