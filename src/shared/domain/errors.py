"""Why a request was refused. Seven kinds; HTTP gives each a status, the domain none."""


class DomainError(Exception):
    """Say what was refused and why, in words a caller may read."""

    code = "domain_error"


class Invalid(DomainError):
    """The request makes no sense, whatever the state."""

    code = "invalid"


class Forbidden(DomainError):
    """Not by this caller."""

    code = "forbidden"


class NotFound(DomainError):
    """There is nothing by that name."""

    code = "not_found"


class Refused(DomainError):
    """It makes sense, but a rule of the domain forbids it now."""

    code = "refused"


class Conflict(DomainError):
    """Somebody else wrote first; read again and decide again."""

    code = "conflict"


class NotYet(DomainError):
    """It will be so in a moment; ask again then."""

    code = "not_yet"


class Exhausted(DomainError):
    """So much is allowed in a while, and it is used up."""

    code = "exhausted"

    def __init__(self, message: str, retry_after: int) -> None:
        """`retry_after`: seconds until there is more of it."""
        super().__init__(message)
        self.retry_after = retry_after
