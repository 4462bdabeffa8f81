"""Of a result that is far too long no more is looked at than could be shown."""

from collections.abc import Iterator
from typing import Any

from contexts.conversations.application.content import ToolPart
from contexts.conversations.infrastructure.model_assistant.fitting import SHORTEST
from contexts.conversations.infrastructure.model_assistant.results import found


class Counted(dict[str, Any]):
    """Counts how often somebody looked at one of its values."""

    looked = 0

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        for pair in super().items():
            self.looked += 1
            yield pair


def part(**result: Any) -> ToolPart:
    return ToolPart(id="1", name="ask_data", arguments={}, result=result)


def test_a_result_with_any_number_of_names_costs_no_more_than_a_long_one() -> None:
    wide = Counted({str(number): number for number in range(50_000)})
    assert found(part(total=1, wide=wide), SHORTEST) == {
        "left_out": "the result is too long to be shown; ask for less"
    }
    assert 0 < wide.looked < 20 * SHORTEST


def test_what_has_room_is_shown_whole_whatever_its_form() -> None:
    result = {"a": [1, None, True, 2.5, "text", {"b": [[], {}]}], "c": {"d": "e"}, "f": ["x"] * 40}
    assert found(part(**result), SHORTEST) == result
