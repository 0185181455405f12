"""Numbers of things, in words."""


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number and its noun, in the plural if it is not 1.

    :param several: the plural; default: with an s
    """
    return f"{count} {one if count == 1 else several or f'{one}s'}"


def labelled(successes: int, failures: int) -> str:
    """Return how many episodes have which label."""
    return f"{counted(successes, 'success', 'successes')}, {counted(failures, 'failure')}"
