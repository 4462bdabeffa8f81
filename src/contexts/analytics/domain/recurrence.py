"""When a report is due: a cron expression, read on the clock of a time zone.

A clock change moves no run by more than it has to. A time of day that is left out is due at the
first minute there is after it; one that comes twice is due the first time. What recurs all day
long (an hour or a minute that begins with `*`) follows the minutes that really pass.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from shared.domain.errors import Invalid
from shared.domain.timezones import is_timezone

COUNTED = 10_000
"""Due times that are counted at most; so many stands for more as well."""

MAX_CRON = 100
"""Characters of a cron expression."""

_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_EXAMPLES = (
    "it has five fields (minute, hour, day of the month, month, day of the week), such as "
    "'0 8 * * MON-FRI' for 8:00 on working days or '*/15 * * * *' for every quarter of an hour"
)


class Recurrence(msgspec.Struct, frozen=True):
    """`cron` has five fields; `timezone` is an IANA name."""

    cron: str
    timezone: str

    @classmethod
    def of(cls, cron: str, timezone: str) -> Self:
        """Raise Invalid for a cron expression or a zone that does not exist, or never comes."""
        if not is_timezone(timezone):
            raise Invalid(
                f"timezone: {timezone[:80]!r} is not an IANA time zone such as 'Europe/Madrid'"
            )
        fields = cron.split()
        if len(fields) != 5 or len(cron) > MAX_CRON:
            raise Invalid(f"cron: {cron[:80]!r} is none; {_EXAMPLES}")
        made = cls(" ".join(fields), timezone)
        try:
            comes = next(made.after(_ANY_DAY), None)
        except CronSimError as error:
            raise Invalid(f"cron: {cron!r} is none ({str(error).lower()}); {_EXAMPLES}") from None
        if comes is None:
            raise Invalid(f"cron: {cron!r} names a day that never comes; {_EXAMPLES}")
        return made

    def after(self, instant: datetime) -> Iterator[datetime]:
        """The due times after this instant, in UTC."""
        last = instant
        for local in CronSim(self.cron, instant.astimezone(ZoneInfo(self.timezone))):
            # Begun in an hour that comes twice, it would tell of the first one again.
            if (due := local.astimezone(UTC)) > last:
                last = due
                yield due

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last due time after one instant and up to another, however far apart they are."""
        stretch = timedelta(hours=1)
        while after < until:
            start = max(after, until - stretch)
            found = list(takewhile(lambda due: due <= until, self.after(start)))
            if found:
                return found[-1]
            if start == after:
                break
            stretch *= 4
        return None

    def count(self, after: datetime, until: datetime) -> int:
        """How many due times there are in between, `until` included; COUNTED at most."""
        return sum(
            1 for _ in islice(takewhile(lambda due: due <= until, self.after(after)), COUNTED)
        )

    def local(self, instant: datetime) -> datetime:
        """The wall time there."""
        return instant.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None, fold=0)

    def next_three(self, instant: datetime) -> tuple[datetime, ...]:
        """The next due times after this, with the offset that the zone has then."""
        zone = ZoneInfo(self.timezone)
        return tuple(due.astimezone(zone) for due in islice(self.after(instant), 3))
