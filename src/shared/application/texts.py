"""What texts have to be like that somebody sends: patterns for msgspec.Meta. PostgreSQL takes no
NUL in a text."""

SAYS_SOMETHING = r"^\s*[^\s\x00][^\x00]*$"
WITHOUT_NUL = r"^[^\x00]*$"
