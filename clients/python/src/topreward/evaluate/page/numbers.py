"""Numbers as text: a true minus sign, the same digits in a column, and a dash for what is missing."""

MISSING = "–"
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed number of decimals."""
    if value is None:
        return MISSING
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 and text.startswith("-") else text).replace("-", "−")


def whole(value: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def percent(value: float | None) -> str:
    """Return a share in percent."""
    return MISSING if value is None else f"{number(100 * value, 0)} %"


def probability(value: float | None) -> str:
    """Return a probability: decimals if they say something, otherwise a power of ten."""
    if value is None:
        return MISSING
    if value == 0 or abs(value) >= 0.001:
        return number(value, 3)
    base, exponent = f"{value:.1e}".split("e")
    return f"{base.replace('-', '−')}·10{str(int(exponent)).translate(_RAISED)}"


def span(low: float | None, high: float | None, digits: int = 2) -> str:
    """Return an interval."""
    return MISSING if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"
