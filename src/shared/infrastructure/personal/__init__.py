"""Personal data under keys that can be destroyed: a key for each data subject, wrapped in one of
the operator's. docs/personal-data.md tells it from end to end."""
