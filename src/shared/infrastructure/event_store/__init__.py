"""The log in PostgreSQL: how it is appended to, kept in parts, and read in order."""
