"""How long the parts of a conversion take."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Clock:
    """Measures the parts of a conversion, and tells somebody where it is.

    Attributes:
        seconds: Wall-clock time of each part, in order.
    """

    def __init__(
        self,
        progress: Callable[[str], None] | None = None,
        explain: Callable[[str], None] | None = None,
    ) -> None:
        """Start with nothing measured.

        Args:
            progress: Told each part when it begins.
            explain: Told what each pass changes, a line each.
        """
        self.seconds: dict[str, float] = {}
        self.explain = explain
        self._progress = progress

    @contextmanager
    def part(self, name: str) -> Generator[None]:
        """Measure a block; one that raises is not measured."""
        if self._progress is not None:
            self._progress(name)
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 4)
