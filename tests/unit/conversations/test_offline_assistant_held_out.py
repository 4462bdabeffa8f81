"""Messages that were written before the rules, and not looked at while the rules were made."""

from typing import Any

import pytest

from contexts.conversations.application.content import ToolPart
from contexts.conversations.infrastructure.offline_assistant.reading import read
from offline_paths import NOW, asked, event, found, path
from offline_readings import told

WEEKEND = found(
    event("Late Quartets", "28"),
    event("Kettle Black", "12"),
    total=2,
    words="jazz",
    from_="2026-11-21",
    to="2026-11-22",
    max_price=30,
)
SALES = asked("top 5 products by revenue")
UNCLEAR = asked(
    "total by city",
    "needs_clarification",
    options=[
        {"label": "customer city", "question": "total by customer city", "dataset": "sales"},
        {"label": "venue city", "question": "total by venue city", "dataset": "box_office"},
    ],
)

MESSAGES: list[tuple[tuple[str | ToolPart, ...], tuple[str, Any]]] = [
    (
        ("anything good on this Saturday night?",),
        ("search", {"from": "2026-11-21T18:00:00", "to": "2026-11-21T23:59:59"}),
    ),
    (
        ("gigs in december below 25€",),
        ("search", {"words": "gigs", "from": "2026-12-01", "to": "2026-12-31", "max_price": 25}),
    ),
    (
        ("What plays are on next week?",),
        ("search", {"words": "plays", "from": "2026-11-23", "to": "2026-11-29"}),
    ),
    (
        ("show me comedy tomorrow evening",),
        (
            "search",
            {"words": "comedy", "from": "2026-11-19T18:00:00", "to": "2026-11-19T23:59:59"},
        ),
    ),
    (
        ("do you have anything between 15 and 40 euros in January",),
        ("search", {"from": "2027-01-01", "to": "2027-01-31", "min_price": 15, "max_price": 40}),
    ),
    (
        ("free events on Sunday",),
        ("search", {"from": "2026-11-22", "to": "2026-11-22", "max_price": 0}),
    ),
    (("cheapest seats for Night Ferry",), ("cheapest", {"words": "Night Ferry"})),
    (("when is the next show of the Copper Wires?",), ("search", {"words": "Copper Wires"})),
    (
        ("is the Odile Marchetti Quartet playing in March 2027",),
        (
            "search",
            {"words": "Odile Marchetti Quartet", "from": "2027-03-01", "to": "2027-03-31"},
        ),
    ),
    (
        ("what can I see from 3 to 6 December",),
        ("search", {"from": "2026-12-03", "to": "2026-12-06"}),
    ),
    (
        ("theatre 12/12/2026",),
        ("search", {"words": "theatre", "from": "2026-12-12", "to": "2026-12-12"}),
    ),
    (
        ("something for the kids at the weekend",),
        ("search", {"words": "kids", "from": "2026-11-21", "to": "2026-11-22"}),
    ),
    (
        ("jazz this weekend", WEEKEND, "how about Friday instead?"),
        (
            "search",
            {"words": "jazz", "from": "2026-11-20", "to": "2026-11-20", "max_price": 30},
        ),
    ),
    (
        ("jazz this weekend", WEEKEND, "under 20 please"),
        (
            "search",
            {"words": "jazz", "from": "2026-11-21", "to": "2026-11-22", "max_price": 20},
        ),
    ),
    (
        ("jazz this weekend", WEEKEND, "only where seats are left"),
        (
            "search",
            {
                "words": "jazz",
                "from": "2026-11-21",
                "to": "2026-11-22",
                "max_price": 30,
                "available_only": True,
            },
        ),
    ),
    (("jazz this weekend", WEEKEND, "what else?"), ("more", None)),
    (
        ("jazz this weekend", WEEKEND, "and comedy?"),
        (
            "search",
            {"words": "comedy", "from": "2026-11-21", "to": "2026-11-22", "max_price": 30},
        ),
    ),
    (
        ("jazz this weekend", WEEKEND, "any cheaper?"),
        (
            "cheapest",
            {"words": "jazz", "from": "2026-11-21", "to": "2026-11-22", "max_price": 20},
        ),
    ),
    (("top 3 waiters by sales",), ("ask", {"question": "top 3 waiters by sales"})),
    (
        ("What was the revenue in October 2024?",),
        ("ask", {"question": "What was the revenue in October 2024?"}),
    ),
    (
        ("how many tickets were sold per channel",),
        ("ask", {"question": "how many tickets were sold per channel"}),
    ),
    (
        ("show me a pie chart of sales by genre",),
        ("ask", {"question": "show me a pie chart of sales by genre"}),
    ),
    (
        ("how many events are there in January?",),
        ("ask", {"question": "how many events are there in January 2027?", "dataset": "events"}),
    ),
    (
        ("which product sells best on Fridays",),
        ("ask", {"question": "which product sells best on Fridays"}),
    ),
    (
        ("median order value by customer city",),
        ("ask", {"question": "median order value by customer city"}),
    ),
    (("top products", SALES, "same for September"), ("ask", {"question": "same for September"})),
    (("top products", SALES, "as a line chart"), ("ask", {"question": "as a line chart"})),
    (("top products", SALES, "top 10 instead"), ("ask", {"question": "top 10 instead"})),
    (
        ("total by city", UNCLEAR, "the second one"),
        ("ask", {"question": "total by venue city", "dataset": "box_office"}),
    ),
    (
        ("total by city", UNCLEAR, "2"),
        ("ask", {"question": "total by venue city", "dataset": "box_office"}),
    ),
    (
        ("total by city", UNCLEAR, "customer city"),
        ("ask", {"question": "total by customer city", "dataset": "sales"}),
    ),
    (("Hi there",), ("talk", "greeting")),
    (("cheers!",), ("talk", "thanks")),
    (("see you later",), ("talk", "goodbye")),
    (("what are you able to do?",), ("talk", "help")),
    (("what data do you have?",), ("talk", "datasets")),
    (("please buy two tickets for Night Ferry",), ("cannot", "act")),
    (("¿Qué conciertos hay este fin de semana?",), ("cannot", "language")),
    (("who wrote Don Quixote?",), ("cannot", "knowledge")),
    (("write an email to my boss",), ("cannot", "write")),
    (("🎉🎉",), ("cannot", "unclear")),
    (("delete the sales dataset",), ("cannot", "act")),
    (("are you a robot?",), ("talk", "who")),
    (("top products", SALES, "thanks, that's great"), ("talk", "thanks")),
    (
        ("jazz this weekend", WEEKEND, "how many waiters are there"),
        ("ask", {"question": "how many waiters are there"}),
    ),
    (
        ("top products", SALES, "what's on tonight"),
        ("search", {"from": "2026-11-18T18:00:00", "to": "2026-11-18T23:59:59"}),
    ),
]


@pytest.mark.parametrize(("said", "wanted"), MESSAGES, ids=[str(said[-1]) for said, _ in MESSAGES])
def test_a_message_nobody_made_rules_for_is_read_as_it_is_meant(
    said: tuple[str | ToolPart, ...], wanted: tuple[str, Any]
) -> None:
    assert told(read(path(*said), NOW)) == wanted
