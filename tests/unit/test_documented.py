"""What examples in Markdown are held to."""

from pathlib import Path

import pytest

from documented import Example, examples, fits, run

PAGE = """
```sh
ID=7
```

Then

```sh
echo "{\\"id\\": $ID}"
```
```json
{"id": 7}
```
```js
alert(1)
```
```json
{"id": 8}
```
"""


def test_an_answer_belongs_to_the_example_right_before_it() -> None:
    assert examples(PAGE) == [
        Example("ID=7\n", None),
        Example('echo "{\\"id\\": $ID}"\n', '{"id": 7}\n'),
    ]


def test_words_between_an_example_and_a_block_part_them() -> None:
    assert examples("```sh\ntrue\n```\nIt looks like\n```json\n{}\n```\n") == [
        Example("true\n", None)
    ]


def test_examples_are_run_by_one_shell_in_order(tmp_path: Path) -> None:
    printed = run(examples(PAGE), tmp_path, documented="http://a", address="http://b")
    assert printed == ["", '{"id": 7}\n']


def test_the_address_in_an_example_is_exchanged(tmp_path: Path) -> None:
    wanted = [Example("echo http://a/search\n", None)]
    assert run(wanted, tmp_path, documented="http://a", address="http://b") == ["http://b/search\n"]


def test_an_example_that_fails_says_which_and_why(tmp_path: Path) -> None:
    wanted = [
        Example("echo one\n", None),
        Example("echo $MISSING\n", None),
        Example("true\n", None),
    ]
    with pytest.raises(AssertionError, match=r"echo \$MISSING.*MISSING: unbound variable"):
        run(wanted, tmp_path, documented="http://a", address="http://b")


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ('{"id": "…"}', '{"id":"7"}'),
        ('{"id": "7",\n "rows": […]}', '{"id":"7","rows":[]}'),
        ("HTTP/1.1 204 No Content\n…", "HTTP/1.1 204 No Content\r\nserver: x\r\n\r\n"),
    ],
)
def test_what_is_left_out_may_be_anything(answer: str, printed: str) -> None:
    assert fits(answer, printed)


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ('{"id": "7"}', '{"id":"8"}'),
        ('{"id": "7"}', '{"id":"7","more":1}'),
        ('{"a": 1, …, "b": 2}', '{"b":2,"c":3,"a":1}'),
        ("HTTP/1.1 204 No Content\n…", "HTTP/1.1 404 Not Found\r\n\r\n"),
        ('{"id": "…"}', ""),
    ],
)
def test_what_stands_there_has_to_come(answer: str, printed: str) -> None:
    assert not fits(answer, printed)
