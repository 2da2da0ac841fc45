"""A pinned view in a link: one parameter, itself a query string of the controls."""

from urllib.parse import parse_qsl, urlencode

from dashboard import catalog
from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import quoted
from dashboard.ui.beside.view import View
from dashboard.ui.controls.registry import BITS, OF_A_VIEW, SUITE

#: The parameter's name in the address.
PARAMETER = "beside"

#: Longest text that is read, in characters; all controls together take about 300.
_LONGEST = 1000


class LinkError(ValueError):
    """The view does not exist; the message is for the visitor."""


def written(view: View) -> str:
    """The view as the parameter's value."""
    return urlencode(view.said)


def parsed(text: str, here: Suite) -> tuple[Suite, dict[str, str]]:
    """The suite of a pinned view and the values of its controls, all of which exist.

    Args:
        here: the shown suite, used if the view names none.

    Raises:
        LinkError: it cannot be read, or a value in it does not exist.
        ArtifactError: its suite cannot be used.
    """
    said = _pairs(text)
    suite = here
    if said.get(SUITE.key, here.name) != here.name:
        if said[SUITE.key] not in catalog.suite_names():
            raise _unknown(SUITE.key, said[SUITE.key])
        suite = catalog.open_by_name(said[SUITE.key])
    for name, value in said.items():
        if name != SUITE.key and not OF_A_VIEW[name].possible(value, suite, said):
            raise _unknown(name, value)
    if BITS.key not in said and len(BITS.options_of(suite, said)) > 1:
        raise _unknown(BITS.key, "")  # a quantizer alone is not a setting
    return suite, said


def _pairs(text: str) -> dict[str, str]:
    unread = LinkError(
        f"The link asks for the pinned view {quoted(text)}, which cannot be read; no view is "
        "pinned."
    )
    if not 0 < len(text) <= _LONGEST:
        raise unread
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, max_num_fields=len(OF_A_VIEW)
        )
    except ValueError:
        raise unread from None
    said = dict(pairs)
    if len(said) < len(pairs) or not said or not said.keys() <= OF_A_VIEW.keys():
        raise unread
    return said


def _unknown(name: str, value: str) -> LinkError:
    return LinkError(
        f"The link asks for a pinned view with {OF_A_VIEW[name].named} {quoted(value)}, which "
        "does not exist here; no view is pinned."
    )
