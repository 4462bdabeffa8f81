"""CSV files of a few lines, taken in as the loader does."""

from collections.abc import AsyncIterator, Callable, Mapping

from contexts.analytics.application.ports import LoadOptions
from contexts.analytics.infrastructure.csv.filling import Filling
from contexts.analytics.infrastructure.csv.reading import Reading

WHATEVER = LoadOptions()


def filled(
    content: str | bytes,
    options: LoadOptions = WHATEVER,
    *,
    block: int = 1_000_000,
    forced: Mapping[str, str] | None = None,
) -> tuple[Filling, bytes]:
    """One pass in blocks of so many bytes, and what was to be copied."""
    data = content.encode() if isinstance(content, str) else content
    blocks = [data[at : at + block] for at in range(0, len(data), block)] or [b""]
    filling = Filling(options, forced or {})
    copied = [
        filling.take(each, last=number == len(blocks)) for number, each in enumerate(blocks, 1)
    ]
    return filling, b"".join(copied)


def readings(content: str | bytes, options: LoadOptions = WHATEVER) -> dict[str, Reading]:
    """How each column would be read, by SQL name, when all is known."""
    filling, _ = filled(content, options)
    return {
        column.name: reading
        for column, reading in zip(filling.file.columns, filling.final(), strict=True)
    }


def column(*cells: str, name: str = "it", options: LoadOptions = WHATEVER) -> Reading:
    """How one column with these cells would be read; another one of texts is beside it."""
    rows = "".join(f'"{cell}"\tword\n' for cell in cells)
    (reading, _) = readings(f"{name}\tother\n{rows}", options).values()
    return reading


def chunks_of(content: str | bytes, size: int = 1_000) -> Callable[[], AsyncIterator[bytes]]:
    """The same bytes, in pieces, each time they are asked for."""
    data = content.encode() if isinstance(content, str) else content

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return chunks
