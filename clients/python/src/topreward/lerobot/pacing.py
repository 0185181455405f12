"""How many requests are in flight: one more after each response, half as many after each refusal of a busy service."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AUTOMATIC = 8
FIRST = 2


class Pacer:
    """Limits the requests in flight to what the service takes, at most ``most``.

    :ivar last_response: when the service last responded to a unit of the run (``time.monotonic``), at first: when the run began
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = min(FIRST, most)
        self._active = 0
        self.last_response = time.monotonic()
        self._changed = asyncio.Condition()

    @property
    def limit(self) -> int:
        return self._limit

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until another request may be sent."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._active < self._limit)
            self._active += 1
        try:
            yield
        finally:
            async with self._changed:
                self._active -= 1
                self._changed.notify_all()

    async def faster(self) -> None:
        """The service responded, and was not busy."""
        self.responded()
        async with self._changed:
            self._limit = min(self._limit + 1, self._most)
            self._changed.notify_all()

    def responded(self) -> None:
        """The run has a response: its patience starts again."""
        self.last_response = time.monotonic()

    def slower(self) -> None:
        """The service was busy."""
        self._limit = max(self._limit // 2, 1)
