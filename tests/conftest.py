"""Shared by all tests: which servers the integration tests run on is said in the header."""

import pytest

from servers import Choice, choose

CHOICE = pytest.StashKey[Choice]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CHOICE] = choose()


def pytest_report_header(config: pytest.Config) -> str:
    kind, why = config.stash[CHOICE]
    return f"integration tests on: {kind} ({why})"


@pytest.fixture(scope="session")
def servers_kind(pytestconfig: pytest.Config) -> str:
    return pytestconfig.stash[CHOICE].kind
