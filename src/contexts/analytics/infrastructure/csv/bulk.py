"""Many new values looked at together: what they all may be counted as, at a tenth of the cost.

Only where it changes nothing: where the column has such values already, and where which of them is
whole or at midnight does not matter any more.
"""

import re
from collections.abc import Collection
from datetime import datetime

from contexts.analytics.infrastructure.csv.shapes import Shape

_WHOLE = r"[-+]?(?:0|[1-9][0-9]{0,14})"
_WHOLES = re.compile(rf"(?:{_WHOLE}\n)*+")
_DECIMALS = re.compile(rf"(?:{_WHOLE}(?:\.[0-9]+)?\n)*+")
_INSTANTS = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?\n)*+"
)
_POINTED = frozenset(("1", "1.0", "1.5", "1.234"))


def alike(values: Collection[str], seen: Collection[Shape]) -> Shape | None:
    """A shape that each of `values` may be counted as, in a column that has `seen` before."""
    shapes = [shape for shape in seen if shape.kind != "empty"]
    if not shapes or not all(shape.bare for shape in shapes):
        return None
    kinds = {shape.kind for shape in shapes}
    styles = {shape.style for shape in shapes}
    if kinds == {"number"} and not any(shape.unit for shape in shapes):
        pattern, style = (_WHOLES, "1") if styles == {"1"} else (_DECIMALS, "1.5")
        fit = style in styles and styles <= _POINTED and pattern.fullmatch(_lines(values))
        return Shape("number", style) if fit else None
    if kinds == {"timestamp"} and all(style.startswith("Y-m-d") for style in styles):
        usual = next((shape for shape in shapes if not shape.unit), None)
        return usual if _INSTANTS.fullmatch(_lines(values)) and _exist(values) else None
    return None


def _lines(values: Collection[str]) -> str:
    return "\n".join((*values, ""))


def _exist(instants: Collection[str]) -> bool:
    try:
        for instant in instants:
            datetime.fromisoformat(instant)
    except ValueError:
        return False
    return True
