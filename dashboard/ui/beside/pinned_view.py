"""What a pinned view is on a page that has only some of the controls that made it."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.beside.view import View, nearest_view
from dashboard.ui.controls.registry import BEST, CHOSEN, CODE

#: Controls that a page has only at some values of another one.
_WITH = {"quantizer": "bits", "model": "n"}

#: Controls that say nothing where every model is at its own best setting.
_OF_ONE_SETTING = ("quantizer", "bits", "form", "code")


def on_page(live: View, suite: Suite, said: dict[str, str], codes: Sequence[str]) -> View:
    """The pinned view on this page: what was pinned of its controls, and of the others what they
    say now.

    Args:
        live: what the controls say now.
        suite: of the pinned view.
        said: control -> value, all of which exist; from ``pinned_link.parsed``.
        codes: that the page can show.

    Raises:
        ArtifactError: the suite has no setting that bounds can be computed at.
    """
    start = live if suite.name == live.suite.name else nearest_view(live, suite)
    names = {*live.said, *(_OF_ONE_SETTING if "settings" in live.said else ())}
    names |= {other for name, other in _WITH.items() if name in names}
    said = {name: value for name, value in said.items() if name in names}
    if "model" in names and "model" not in said:
        said.pop("n", None)  # pinned where any size is asked for; here a model is chosen
    before = {k: v for k, v in start.said.items() if all(k != _WITH.get(name) for name in said)}
    if "quantizer" in said and "settings" in names:
        said.setdefault("settings", CHOSEN)  # pinned on a page where all models have one setting
    notes = [] if "quantizer" in said else [start.note]
    if "code" in said and CODE.options[said["code"]] not in codes:
        notes.append(f"this page does not show the {said['code']} code that was kept")
        said["code"] = CODE_LABELS[start.choice.code]
    now = before | said
    if now.get("settings") == BEST:
        now = {name: value for name, value in now.items() if name not in _OF_ONE_SETTING}
    return replace(start, said=now, note="; ".join(filter(None, notes)), pinned=True)
