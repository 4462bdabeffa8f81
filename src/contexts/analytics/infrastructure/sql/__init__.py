"""From a query spec to rows: the SQL is built as a tree, checked as a tree, and only then text."""
