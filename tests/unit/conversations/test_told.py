"""What a listener has of an answer, and what he may be told next."""

from contexts.conversations.application.content import TextPart, ToolPart
from contexts.conversations.application.frames import (
    Delta,
    Ended,
    Frame,
    FrameEvent,
    Snapshot,
    ToolCalled,
    ToolReturned,
)
from contexts.conversations.application.told import Gapless, Told, closing
from listening import ended, new_run, shown, started

RUN = new_run()
CALL = ToolCalled("1", "search", {"q": "jazz"})
FOUND = ToolPart(id="1", name="search", arguments={"q": "jazz"}, result={"rows": 1})


def told(*events: FrameEvent) -> Told:
    have = Told()
    for event in events:
        have.take_in(event)
    return have


def taken(gapless: Gapless, *frames: Frame) -> list[Frame]:
    return [each for frame in frames for each in gapless.take(frame)]


def test_pieces_are_one_text_until_a_tool_returns() -> None:
    have = told(
        started(RUN), Delta("Let "), Delta("me"), CALL, ToolReturned(FOUND), Delta("O"), Delta("ne")
    )
    assert (have.parts, have.calls) == ((TextPart("Let me"), FOUND, TextPart("One")), ())


def test_a_tool_that_was_called_is_at_work_until_it_returns() -> None:
    assert told(started(RUN), CALL).calls == (CALL,)


def test_a_new_attempt_takes_back_what_was_told() -> None:
    have = told(started(RUN), Delta("Wrong"), CALL, started(RUN, 2), Delta("Right"))
    assert (have.parts, have.calls) == ((TextPart("Right"),), ())


def test_what_follows_a_snapshot_goes_on_in_its_last_text() -> None:
    have = told(Delta("x"), Snapshot((FOUND, TextPart("On")), (CALL,)), Delta("e"))
    assert (have.parts, have.calls) == ((FOUND, TextPart("One")), (CALL,))


def test_the_end_has_the_last_word() -> None:
    assert told(Delta("On"), ended(RUN, 9, "One")).parts == (TextPart("One"),)


def test_frames_that_follow_each_other_are_let_through_once() -> None:
    first, second = Frame(8, Delta("a")), Frame(9, Delta("b"))
    assert taken(Gapless(7), first, first, second, first) == [first, second]


def test_nothing_behind_a_gap_is_let_through_but_what_tells_the_whole() -> None:
    gapless = Gapless(7)
    assert taken(gapless, Frame(9, Delta("b")), Frame(10, CALL)) == []
    assert gapless.waiting
    whole, next = Frame(11, Snapshot((TextPart("abc"),))), Frame(12, Delta("d"))
    assert taken(gapless, whole, next) == [whole, next]
    assert not gapless.waiting


def test_a_new_attempt_needs_nothing_before_it() -> None:
    anew = Frame(2_000_000, started(RUN, 2))
    assert taken(Gapless(1_000_007), anew, Frame(1_000_008, Delta("late"))) == [anew]


def test_whoever_missed_something_is_told_the_whole_before_the_end() -> None:
    end = Frame(12, ended(RUN, 12, "abc"))
    assert taken(Gapless(9), end) == [Frame(11, Snapshot((TextPart("abc"),))), end]
    assert taken(Gapless(11), end) == [end]


def test_a_run_that_nothing_was_sent_of_ends_with_its_whole_answer() -> None:
    run = shown(RUN, 0, [TextPart("Hi")])
    assert closing(run, 0) == (Frame(0, Snapshot((TextPart("Hi"),))), Frame(1, Ended(run)))


def test_of_an_answer_that_nobody_can_read_any_more_only_the_end_is_told() -> None:
    run = shown(RUN)
    assert closing(run, 0) == (Frame(1, Ended(run)),)


def test_whoever_was_told_of_an_attempt_that_does_not_count_is_told_the_end_behind_that() -> None:
    """Two workers were at the run at once, and the one that began first ended it."""
    run = shown(RUN, 1_000_009, [TextPart("Hi")])
    whole = Frame(2_999_998, Snapshot((TextPart("Hi"),)))
    assert closing(run, 2_000_003) == (whole, Frame(2_999_999, Ended(run)))
    assert closing(run, 2_999_998) == (Frame(2_999_999, Ended(run)),)
