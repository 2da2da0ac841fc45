"""A pinned view on a page that has only some of its controls."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.analysis.bound.terms import OFFERED, codes_of
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.beside.view import View, nearest_view
from dashboard.ui.controls.registry import BEST, CHOSEN, CODE

#: Controls that depend on the value of another one.
_WITH = {"quantizer": "bits", "model": "n"}

#: Controls without effect if every model is at its own best setting.
_OF_ONE_SETTING = ("quantizer", "bits", "form", "code")


def on_page(live: View, suite: Suite, said: dict[str, str], codes: Sequence[str]) -> View:
    """The pinned view on this page: pinned values, and current values of controls it does not name.

    Args:
        live: the current view.
        suite: of the pinned view.
        said: control -> value, all of which exist; from ``pinned_link.parsed``.
        codes: that the page can show.

    Raises:
        ArtifactError: the suite has no setting at which bounds can be computed.
    """
    start = live if suite.name == live.suite.name else nearest_view(live, suite)
    names = {*live.said, *(_OF_ONE_SETTING if "settings" in live.said else ())}
    names |= {other for name, other in _WITH.items() if name in names}
    said = {name: value for name, value in said.items() if name in names}
    if "model" in names and "model" not in said:
        said.pop("n", None)  # pinned where any size can be requested; here a model is chosen
    before = {k: v for k, v in start.said.items() if all(k != _WITH.get(name) for name in said)}
    if "quantizer" in said and "settings" in names:
        said.setdefault("settings", CHOSEN)  # pinned on a page where all models have one setting
    notes = [] if "quantizer" in said else [start.note]
    if "code" in said and CODE.options[said["code"]] not in _shown(codes, suite):
        notes.append(f"this page does not show the pinned code {said['code']}")
        said["code"] = CODE_LABELS[start.choice.code]
    now = before | said
    if now.get("settings") == BEST:
        now = {name: value for name, value in now.items() if name not in _OF_ONE_SETTING}
    return replace(start, said=now, note="; ".join(filter(None, notes)), pinned=True)


def _shown(codes: Sequence[str], suite: Suite) -> list[str]:
    """Codes of the page that models of the suite have."""
    return [code for code in codes if code not in OFFERED or code in codes_of(suite)]
