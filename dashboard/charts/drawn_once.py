"""Charts drawn before: a visitor's next choice leaves most charts of a page as they were."""

import hashlib
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import altair as alt

#: Charts that are kept, of all visitors: those of every page at a few choices, with their rows and
#: specifications some hundred kilobytes each.
MOST_KEPT = 256

P = ParamSpec("P")
Drawn = TypeVar("Drawn", bound=alt.TopLevelMixin)

_kept: OrderedDict[bytes, alt.TopLevelMixin] = OrderedDict()
_lock = threading.Lock()


def drawn_once(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Decorate a function that draws a chart from its arguments and nothing else.

    From equal arguments it returns the chart that it drew before, which must not be changed in
    place.  Arguments are compared by everything in them, frames by all of their values: that takes
    a hundredth of the time that drawing takes.  Not for what a visitor uploads, which no one else
    may keep.
    """
    name = f"{draw.__module__}.{draw.__qualname__}"

    @wraps(draw)
    def once(*values: P.args, **named: P.kwargs) -> Drawn:
        written = pickle.dumps((name, values, named), protocol=pickle.HIGHEST_PROTOCOL)
        key = hashlib.blake2b(written).digest()
        with _lock:
            if key in _kept:
                _kept.move_to_end(key)
                return _kept[key]
        chart = draw(*values, **named)
        with _lock:
            _kept[key] = chart
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        return chart

    return once
