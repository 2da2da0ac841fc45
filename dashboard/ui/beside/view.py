"""A view: a suite at what the controls say, and in words what sets several views apart."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from dashboard.analysis.bound.terms import UNQUANTIZED, Choice
from dashboard.analysis.laws.sizes import ANOTHER
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.inequalities import forms_of
from dashboard.ui.controls.registry import OF_A_VIEW, N


@dataclass(frozen=True)
class View:
    """What one column shows.

    Attributes:
        suite: open.
        choice: of this suite; None on a page that asks for none.
        size: parameters N that the numbers are for, None on a page of all sizes.
        said: control -> value, of ``OF_A_VIEW``, as in links; what does not apply is left out.
        note: in which way it differs from the controls, empty if in none.
        kept: whether a reader kept it, so that it does not follow the controls.
        label: what sets it apart from the views beside it, not escaped.
    """

    suite: Suite
    choice: Choice | None = None
    size: float | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    kept: bool = False
    label: str = ""


def live(suite: Suite, choice: Choice | None, size: float | None = None) -> View:
    """What the controls of the page say now.  To be called after the last of them."""
    found = record.said()
    said = {name: found[name] for name in OF_A_VIEW if name in found}
    return View(suite, choice, size, {"suite": suite.name} | said)


def parts(view: View) -> dict[str, str]:
    """What there is to say of a view, by control, in the order of the registry."""
    said = dict(view.said)
    if "model" in said:
        n = said.pop("n", None)
        if said["model"] == ANOTHER:
            said["model"] = N.beside.format(n)
    found = {"suite": view.suite.name}
    for name, control in OF_A_VIEW.items():
        if name == "quantizer" and name in said and view.choice is not None:
            found[name] = view.choice.setting.label
        elif name in said and name not in ("suite", "bits"):  # these stand with their quantizer
            found[name] = control.beside.format(said[name])
    return found


def labelled(views: list[View]) -> list[View]:
    """The views with labels: every part in which two of those that have it differ.

    No two labels are alike.
    """
    of_all = [parts(view) for view in views]
    differing = [
        name for name in OF_A_VIEW if len({words[name] for words in of_all if name in words}) > 1
    ]
    found: list[View] = []
    for view, words in zip(views, of_all, strict=True):
        label = ", ".join(words[name] for name in differing if name in words) or view.suite.name
        taken = any(label == other.label for other in found)
        ending = (", kept" if view.kept else ", once more") if taken else ""
        found.append(replace(view, label=label + ending))
    return found


def nearest_view(of: View, other: Suite) -> View:
    """What comes nearest in another suite to a view of this one.

    Raises:
        ArtifactError: the other suite has no setting that bounds can be computed at.
    """
    left_out = ("model", "n") if "model" in of.said else ()
    said = {k: v for k, v in of.said.items() if k not in left_out} | {"suite": other.name}
    if of.choice is None:
        return View(other, None, of.size, said)
    setting = nearest_setting(of.suite, of.choice.setting, other)
    there = {form.key: form for form in forms_of(other.is_sampled).values()}
    form = there.get(of.choice.form, next(iter(there.values())))
    note = ""
    if setting != of.choice.setting:
        note = f"not measured there: {of.choice.setting.label}; its nearest is shown"
    if "form" in said:
        said["form"] = form.label
    if "quantizer" in said:
        said |= {"quantizer": setting.family.label, "bits": setting.rate}
    choice = replace(of.choice, setting=setting, form=form.key)
    return View(other, choice, of.size, said, note)


def nearest_setting(suite: Suite, setting: Setting, other: Suite) -> Setting:
    """The setting itself where another suite has it, else the one of nearest entropy-coded bits per
    parameter, of the same quantizer if there is any.

    Raises:
        ArtifactError: the other suite has no setting that bounds can be computed at.
    """
    there = other.settings()
    if setting in there:
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
