"""A view: a suite with the values of the controls, and a label that distinguishes it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from dashboard.analysis.bound.terms import OF_ONE_SETTING, REQUENTIAL, Choice
from dashboard.analysis.laws.sizes import ANOTHER
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import STUDENT, UNQUANTIZED, Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.glossary import NEEDS_TRAINING
from dashboard.style.inequalities import forms_of
from dashboard.style.numbers import parse_count
from dashboard.ui.controls.registry import (
    BITS,
    CODE,
    DELTA,
    FORM,
    MODEL,
    OF_A_VIEW,
    QUANTIZER,
    N,
)


@dataclass(frozen=True)
class View:
    """The content of one column: a suite with the values of the controls.

    Attributes:
        suite: open.
        base: the page's values for everything without a control; None on a page without bounds.
        base_size: the same for the size; None on a page of all sizes.
        said: control -> value, of ``OF_A_VIEW``, as in links; without those that do not apply.
        note: its difference from the controls, empty if there is none.
        pinned: whether it is pinned, so that it does not follow the controls.
        label: distinguishes it from the other views, not escaped.
    """

    suite: Suite
    base: Choice | None = None
    base_size: float | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    pinned: bool = False
    label: str = ""

    @property
    def choice(self) -> Choice | None:
        """Setting, code, form and delta; None on a page without them."""
        asked = self.asked
        return asked and asked.with_code(asked.code)

    @property
    def asked(self) -> Choice | None:
        """``choice`` with the setting of quantizer and bitrate, even if the code has its own."""
        if self.base is None:
            return None
        said, suite, found = self.said, self.suite, {}
        if QUANTIZER.key in said:
            rates = BITS.options_of(suite, said)
            found["setting"] = rates[said.get(BITS.key, next(iter(rates)))]
        if FORM.key in said:
            found["form"] = FORM.options_of(suite, said)[said[FORM.key]].key
        if CODE.key in said:
            found["code"] = CODE.options[said[CODE.key]]
        if DELTA.key in said:
            found["failure_probability"] = DELTA.options[said[DELTA.key]]
        return replace(self.base, **found)

    @property
    def size(self) -> float | None:
        """Parameters N of the numbers, None on a page of all sizes."""
        sizes = self.suite.models().set_index("model_id")["params_total"]
        if self.said.get(MODEL.key) in sizes:
            return float(sizes[self.said[MODEL.key]])
        return parse_count(self.said[N.key]) if N.key in self.said else self.base_size


def live(suite: Suite, choice: Choice | None, size: float | None = None) -> View:
    """The current view.  Call it after the last control of the page."""
    found = record.said()
    said = {name: found[name] for name in OF_A_VIEW if name in found}
    return View(suite, choice, size, {"suite": suite.name} | said)


def parts(view: View) -> dict[str, str]:
    """The parts of a view's label, by control, in the order of the registry."""
    said = dict(view.said)
    if "model" in said:
        n = said.pop("n", None)
        if said["model"] == ANOTHER:
            said["model"] = N.beside.format(n)
    found = {"suite": view.suite.name}
    for name, control in OF_A_VIEW.items():
        if name == "quantizer" and name in said and view.choice is not None:
            found[name] = view.choice.setting.label
        elif name in said and name not in ("suite", "bits"):  # part of the label of their quantizer
            found[name] = control.beside.format(said[name])
    return found


def labelled(views: list[View]) -> list[View]:
    """The views with labels: every part in which two of those that have it differ.

    No two labels are equal.
    """
    of_all = [parts(view) for view in views]
    differing = [
        name for name in OF_A_VIEW if len({words[name] for words in of_all if name in words}) > 1
    ]
    found: list[View] = []
    for view, words in zip(views, of_all, strict=True):
        label = ", ".join(words[name] for name in differing if name in words) or view.suite.name
        taken = any(label == other.label for other in found)
        ending = (", pinned" if view.pinned else ", once more") if taken else ""
        found.append(replace(view, label=label + ending))
    return found


def nearest_view(of: View, other: Suite) -> View:
    """The nearest view of another suite to a view of this one.

    Raises:
        ArtifactError: the other suite has no setting at which bounds can be computed, or not the
            students that are shown.
    """
    if of.choice is not None and of.choice.code == REQUENTIAL and not other.has_students:
        raise ArtifactError(f"It has no students. {NEEDS_TRAINING}")
    left_out = ("model", "n") if "model" in of.said else ()
    said = {k: v for k, v in of.said.items() if k not in left_out} | {"suite": other.name}
    if of.base is None:
        return View(other, None, of.size, said)
    choice = of.asked
    setting = nearest_setting(of.suite, choice.setting, other)
    there = {form.key: form for form in forms_of(other.is_sampled).values()}
    form = there.get(choice.form, next(iter(there.values())))
    if "form" in said:
        said["form"] = form.label
    if "quantizer" in said:
        said |= {"quantizer": setting.family.label, "bits": setting.rate}
    note = f"not measured there: {choice.setting.label}; its nearest is shown"
    base = replace(choice, setting=setting, form=form.key)
    differs = setting != choice.setting and choice.code not in OF_ONE_SETTING
    return View(other, base, of.size, said, note if differs else "")


def nearest_setting(suite: Suite, setting: Setting, other: Suite) -> Setting:
    """The setting itself if another suite has it, else the nearest by entropy-coded bits.

    The bits are per parameter, and settings of the same quantizer come first.

    Raises:
        ArtifactError: the other suite has no setting at which bounds can be computed.
    """
    there = other.settings()
    if setting in (STUDENT, *there):
        return setting
    alike = [found for found in there if found.family == setting.family]
    on_grid = [found for found in there if found.family != UNQUANTIZED.family]
    target = suite.bits_per_parameter(setting)["entropy_coded"]

    def distance(found: Setting) -> float:
        return abs(math.log(other.bits_per_parameter(found)["entropy_coded"] / target))

    return min(alike or on_grid or there, key=distance)


def nearest_model(models: pd.DataFrame, params: float) -> str:
    """model_id of the size nearest to ``params`` on a log axis."""
    distance = (models["params_total"].astype(float).map(math.log) - math.log(params)).abs()
    return str(models.loc[distance.idxmin(), "model_id"])
