"""Numbers as people write them on a command line: ``2e12``, ``2T``, ``300B``."""

from decimal import Decimal

from compute.base.errors import InputError

_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}

#: Tables store counts in 64 bits.
_MOST = 2**63 - 1


def tokens_of(text: str) -> int:
    """A count of tokens: ``8388608000``, ``2e12``, ``2T`` or ``1.5B``.

    Raises:
        InputError: it is not a whole number above 0, or larger than a table can store.
    """
    number, unit = text.strip().replace("_", ""), 1
    if number[-1:].upper() in _UNITS:
        number, unit = number[:-1], _UNITS[number[-1].upper()]
    try:
        value = Decimal(number) * unit
    except ArithmeticError:  # not a number, or too large
        value = Decimal("NaN")
    # The order matters: a number of a billion digits is never written out.
    if not (value.is_finite() and 0 < value <= _MOST and value == value.to_integral_value()):
        raise InputError(
            f"The number of tokens {text!r} is not a whole number from 1 to {_MOST}; write it as "
            "8388608000, 2e12, 300B or 2T."
        )
    return int(value)
