"""How many queries run at once, how many wait, and what ends one whose client has gone.

Work for a thread in, its result out; the pages of `serve` call it. More work than may wait is
refused at once, so that a crowd of clients neither stops the server nor fills its memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from starlette.requests import Request

from octane_flows.serve.bounded_answers import Deadline
from octane_flows.serve.refused_requests import too_busy

Result = TypeVar("Result")
WAITING_FOR_EACH: Final = 8  # requests that wait for each one that runs


class ServedQueue:
    """Runs the queries of requests in threads."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self.at_once = at_once
        self.seconds = seconds
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="query")
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def run(self, request: Request, work: Callable[[Deadline], Result]) -> Result:
        """Run the work of a request when there is a place for it. Raises RefusalError."""
        most = WAITING_FOR_EACH * self.at_once
        if self._places.locked() and self._waiting >= most:
            raise too_busy(f"{self.at_once} queries that run and {most} that wait")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.seconds):
                await self._places.acquire()
        except TimeoutError:
            raise too_busy(f"queries that take longer than {self.seconds:g} seconds") from None
        finally:
            self._waiting -= 1
        deadline = Deadline(self.seconds)
        try:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, work, deadline)
            watching = loop.create_task(_until_gone(request, deadline))
            try:
                return await running
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
        finally:
            self._places.release()

    def close(self) -> None:
        """End the threads when their work is done."""
        self._threads.shutdown(wait=False)


async def _until_gone(request: Request, deadline: Deadline) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    deadline.now()
