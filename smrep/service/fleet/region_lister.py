"""List a Region page by page, within a rate limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from smrep.errors import Throttled, Unanswered
from smrep.model import Filter, Listed, Page, Paging
from smrep.regions import Region
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.polling import retry_throttled
from smrep.service.steps.rate_limiter import RateLimiter

LISTS_A_SECOND = 50.0
"""Half of AWS's limit for an account in a Region, because others list too. Source: aws-behavior.md 5."""
_PATIENCE_S = 60.0
"""Seconds for which a throttled list is retried."""


@dataclass(slots=True)
class RegionLister:
    """Lists Regions, in parallel if wanted, and counts the results."""

    aws: SecretsManager
    clock: Clock
    rate: float = LISTS_A_SECOND
    """Maximum pages per second in each Region."""
    seen: int = 0
    _paces: dict[Region, RateLimiter] = field(default_factory=dict)

    def pages(
        self, region: Region, filters: Sequence[Filter] = (), *, with_deleted: bool = False
    ) -> Iterator[tuple[Listed, ...]]:
        """Yield each page; `with_deleted` includes secrets scheduled for deletion.

        Raises:
            AwsError: the list failed or is incomplete.

        """
        pace = self._paces.setdefault(region, RateLimiter(self.clock, self.rate))
        paging = Paging()
        token: str | None = None
        while True:
            page = self._page(pace, region, filters, token, with_deleted=with_deleted)
            self.seen += len(page.entries)
            yield page.entries
            token = page.next_token
            if token is None:
                return
            if why := paging.why_endless(page.entries, token):
                raise Unanswered(why, f"the list of secrets in {region}")

    def close(self) -> None:
        """Let go of everything but the number of secrets."""
        del self.aws, self._paces

    def _page(
        self, pace: RateLimiter, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool
    ) -> Page:
        def once() -> Page:
            pace.wait()
            try:
                return self.aws.list_page(region, filters, token, with_deleted=with_deleted)
            except Throttled:
                pace.throttled()
                raise

        return retry_throttled(self.clock, self.clock.monotonic() + _PATIENCE_S)(once)
