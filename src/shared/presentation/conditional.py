"""Conditional requests (RFC 9110, section 13): the entity tag of a resource is its version."""

import re
from typing import Annotated, Any, TypeAlias

from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from shared.domain.errors import Invalid
from shared.presentation.json import JSONResponse

IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", description="Refuse (412) unless the resource is at this version"
    ),
]
IfNoneMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", description="Answer 304 when it is still at this one"),
]

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag(version: int) -> dict[str, str]:
    return {"etag": f'"{version}"'}


NOT_MODIFIED = {304: ResponseSpec(None, description="It is still at the version asked for")}
"""For OpenAPI."""


def not_modified(if_none_match: str | None, version: int | str) -> bool:
    """`version` is what stands between the quotes of the entity tag."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or str(version) in _TAG.findall(if_none_match)


def unchanged(version: int) -> JSONResponse[Any]:
    """304, with the tag that still holds and nothing else."""
    return JSONResponse(None, status_code=304, headers=etag(version))


def expected_version(if_match: str | None) -> int | None:
    """The version a command may act on; None when any will do. Raise Invalid when it is no tag."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = re.fullmatch(r'"([0-9]{1,9})"', if_match.strip())
    if found is None:
        raise Invalid(f'If-Match: {if_match[:80]!r} is not an entity tag of ours, such as "3"')
    return int(found[1])
