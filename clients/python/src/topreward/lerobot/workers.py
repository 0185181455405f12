"""Works through many things, several at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


async def work_through(things: Sequence[T], most: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Do the work for each thing, for at most ``most`` at once. The first error stops the others and is raised."""
    waiting = iter(things)
    workers = [asyncio.create_task(_work(waiting, work)) for _ in range(min(most, len(things)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(waiting: Iterator[T], work: Callable[[T], Awaitable[None]]) -> None:
    for thing in waiting:
        await work(thing)
