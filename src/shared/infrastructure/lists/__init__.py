"""Lists over the tables of read models: criteria as SQL, cursors, and pages that are kept."""
