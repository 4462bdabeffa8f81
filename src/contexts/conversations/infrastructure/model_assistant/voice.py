"""What a model says of all that it writes: not what it thinks aloud, and in paragraphs."""

_BEGIN, _END = "<think>", "</think>"


class Thoughts:
    """A text that comes in pieces; where it begins with thoughts, it is heard when they end."""

    def __init__(self) -> None:
        self._held: str | None = ""
        """What may yet turn out to be thoughts; None once it is clear what is said."""

    def take(self, piece: str) -> str:
        """What is heard of all that has come, and was not heard yet."""
        if self._held is None:
            return piece
        self._held += piece
        begun = self._held.lstrip()
        if _BEGIN.startswith(begun[: len(_BEGIN)]):
            said = begun.partition(_END)[2]
            if not said.strip():
                return ""
        else:
            said = self._held
        self._held = None
        return said

    def rest(self) -> str:
        """At the end: what was held back and was no thought after all."""
        held, self._held = self._held or "", None
        return "" if held.lstrip().startswith(_BEGIN) else held


class Voice:
    """For one answer, which may be said in several replies: each begins a paragraph."""

    def __init__(self) -> None:
        self._replies = [""]
        self._thoughts = Thoughts()

    def begin(self) -> None:
        """A reply begins."""
        self._thoughts = Thoughts()
        self._replies.append("")

    @property
    def text(self) -> str:
        """What was said in this reply."""
        return self._replies[-1]

    def say(self, piece: str) -> str:
        """What is to be told of this piece of the reply; "" for nothing yet."""
        return self._tell(self._thoughts.take(piece))

    def end(self) -> str:
        """The reply ends: what is still to be told of it."""
        return self._tell(self._thoughts.rest())

    def _tell(self, text: str) -> str:
        # No text of PostgreSQL may hold this sign.
        text = text.replace("\0", "")
        if not self.text:
            text = text.lstrip()
            if text and any(self._replies):
                self._replies[-1] += text
                return f"\n\n{text}"
        self._replies[-1] += text
        return text


def without_thoughts(text: str) -> str:
    thoughts = Thoughts()
    return thoughts.take(text) + thoughts.rest()
