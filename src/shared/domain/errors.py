"""Why a request was refused. Six kinds; HTTP gives each a status, the domain none."""


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
