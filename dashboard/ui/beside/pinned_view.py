"""What a kept view is on a page that has only some of the controls that made it."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.analysis.bound.terms import PREQUENTIAL, Choice, prequential
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.inequalities import forms_of
from dashboard.style.numbers import parse_count
from dashboard.ui.beside.view import View, nearest_view
from dashboard.ui.controls.registry import BEST, CHOSEN

#: Controls that a page has only at some values of another one.
_WITH = {"quantizer": "bits", "model": "n"}

#: Controls that say nothing where every model is at its own best setting.
_OF_ONE_SETTING = ("quantizer", "bits", "form", "code")


def on_page(
    live: View, suite: Suite, said: dict[str, str], names: Sequence[str], codes: Sequence[str]
) -> View:
    """The kept view on this page: what was kept of its controls, and of the others what they say
    now.

    Args:
        live: what the controls say now.
        suite: of the kept view.
        said: control -> value, all of which exist; from ``kept_link.parsed``.
        names: controls that the page has.
        codes: that it can show.

    Raises:
        ArtifactError: the suite has no setting that bounds can be computed at.
    """
    start = live if suite.name == live.suite.name else nearest_view(live, suite)
    asked = {*names, *(other for name, other in _WITH.items() if name in names)}
    said = {name: value for name, value in said.items() if name in asked}
    if "model" in names and "model" not in said:
        said.pop("n", None)  # kept where any size is asked for; here a model is chosen
    before = {k: v for k, v in start.said.items() if all(k != _WITH.get(name) for name in said)}
    if "quantizer" in said and "settings" in names:
        said.setdefault("settings", CHOSEN)  # kept on a page where all models have one setting
    now = replace(start, said=before | said, kept=True)
    if "quantizer" in said:
        now = replace(now, note="")
    if now.choice is not None:
        choice, note = _choice(now.choice, suite, said, codes)
        now = replace(now, choice=choice, note="; ".join(filter(None, [now.note, note])))
        if note:
            now = replace(now, said=dict(now.said) | {"code": CODE_LABELS[choice.code]})
    if now.said.get("settings") == BEST:
        now = replace(now, said={k: v for k, v in now.said.items() if k not in _OF_ONE_SETTING})
    sizes = suite.models().set_index("model_id")["params_total"]
    if said.get("model") in sizes:
        now = replace(now, size=float(sizes[said["model"]]))
    elif "n" in said:
        now = replace(now, size=parse_count(said["n"]))
    return now


def _choice(
    start: Choice, suite: Suite, said: dict[str, str], codes: Sequence[str]
) -> tuple[Choice, str]:
    """What was kept of a choice, and a note where the page cannot show it."""
    choice, note = start, ""
    if "quantizer" in said:
        there = [s for s in suite.settings() if s.family.label == said["quantizer"]]
        setting = next(s for s in there if s.rate == said.get("bits", there[0].rate))
        choice = replace(choice, setting=setting)
    if "form" in said:
        choice = replace(choice, form=forms_of(suite.is_sampled)[said["form"]].key)
    if "delta" in said:
        choice = replace(choice, failure_probability=float(said["delta"]))
    if "code" in said:
        code = next(key for key, label in CODE_LABELS.items() if label == said["code"])
        if code not in codes:
            note = f"this page does not show the {said['code']} code that was kept"
        elif code == PREQUENTIAL:
            choice = prequential(choice)
        else:
            choice = replace(choice, code=code)
    return choice, note
