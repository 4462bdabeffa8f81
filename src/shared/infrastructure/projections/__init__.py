"""What follows the log: read models and reactions, who moves them on, what becomes of faults."""
