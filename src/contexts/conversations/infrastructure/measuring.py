"""What is counted of runs, for Prometheus."""

from prometheus_client import Counter, Histogram

from contexts.conversations.application.queries import RunShown

RUNS = Counter("marquee_runs", "Runs that ended", ["status", "assistant", "code"])
FIRST_PIECE = Histogram(
    "marquee_run_first_piece_seconds",
    "From when an assistant was asked until its first piece",
    ["assistant"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


def measure(run: RunShown, seconds: float | None) -> None:
    assistant = run.assistant or "none"
    RUNS.labels(run.status, assistant, run.code or "").inc()
    if seconds is not None:
        FIRST_PIECE.labels(assistant).observe(seconds)
