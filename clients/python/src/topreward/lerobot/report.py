"""Says how far a run is, on stderr: a progress bar on a terminal, otherwise a line of JSON every ten seconds."""

import json
import sys
import time
from typing import NoReturn, TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Report:
    """Counts episodes, and those that ``failed``.

    :param total: number of all episodes of this run
    :param seconds: their length together
    """

    def __init__(self, total: int, seconds: float, stream: TextIO = sys.stderr) -> None:
        self._total, self._seconds, self._stream = total, seconds, stream
        self._done = self.failed = 0
        self._seconds_before = self._seconds_now = 0.0
        self._started = self._spoken = time.monotonic()
        self._bar: tqdm[NoReturn] | None = None
        if stream.isatty():
            self._bar = tqdm(total=total, unit=" episodes", file=stream, dynamic_ncols=True)

    def known_before(self, failed: bool, seconds: float) -> None:
        """An earlier run has this outcome. It does not count for the speed."""
        self._seconds_before += seconds
        self._count(failed)

    def known_now(self, failed: bool, seconds: float) -> None:
        """An outcome is known now."""
        self._seconds_now += seconds
        self._count(failed)
        if self._bar is not None:
            facts = self.facts()
            self._bar.set_postfix_str(f"{self.failed} failed, {facts['robot_seconds_per_second']:.1f} robot-s/s", refresh=False)
        elif time.monotonic() - self._spoken >= SECONDS_BETWEEN_LINES:
            self._line()

    def say(self, text: str) -> None:
        """Print a line for people."""
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Print the last state."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._line()

    def facts(self) -> dict[str, float]:
        """Return the state in numbers. ``seconds_left`` is 0 as long as it is not known."""
        elapsed = max(time.monotonic() - self._started, 1e-9)
        rate = self._seconds_now / elapsed
        left = self._seconds - self._seconds_before - self._seconds_now
        return {
            "episodes": self._done,
            "of": self._total,
            "failed": self.failed,
            "robot_seconds_per_second": round(rate, 2),
            "seconds_left": round(left / rate, 1) if rate > 0 else 0.0,
        }

    def _count(self, failed: bool) -> None:
        self._done += 1
        self.failed += failed
        if self._bar is not None:
            self._bar.update()

    def _line(self) -> None:
        self._spoken = time.monotonic()
        print(json.dumps(self.facts()), file=self._stream, flush=True)
