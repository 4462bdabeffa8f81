"""What somebody asks in confidence does not come into the log of the database when it fails."""

import tempfile
from pathlib import Path

import psycopg
import pytest

from embedded import Servers


def test_a_statement_that_fails_is_logged_without_its_words() -> None:
    # Not tmp_path, which is closed when we are root, whose servers run as somebody else.
    with tempfile.TemporaryDirectory(prefix="marquee-test-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        with (
            Servers(home, durable=False) as servers,
            psycopg.connect(servers.database_url) as connection,
            pytest.raises(psycopg.errors.DivisionByZero),
        ):
            connection.execute("select 1 / (length('the parrot of Ann') - 17)")
        said = "".join(log.read_text() for log in (home / "log").glob("postgres*"))
        assert "division by zero" in said
        assert "parrot" not in said
