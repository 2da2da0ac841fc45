"""Data of the page *Overview*: every model's bound, ours and the paper's, and their terms."""

from dataclasses import dataclass, replace

import pandas as pd

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.progressive import on_the_way
from dashboard.analysis.bound.seeds import every_seed, spread
from dashboard.analysis.bound.terms import (
    STUDENTS_FORM,
    Choice,
    bound_terms,
    bounds_by_model,
)
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import Law, law_of
from dashboard.artifacts.database import remembered
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import STUDENT, UNQUANTIZED, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import Term, terms_in
from dashboard.style.inequalities import FORMS, Form, forms_of

#: The paper's form with the paper's choices: GPTQ, and the size of the stored file.
PAPERS_FORM, PAPERS_QUANTIZER, PAPERS_CODE = "four_term", "gptq", "stored"

PAPERS_LABEL = next(form.label for form in FORMS if form.key == PAPERS_FORM)

#: Our form with the shortest real code, by default.
OUR_CODE = "entropy_coded"

#: Failure probability for finding the best setting of a model.  Another one changes the
#: gaps of all settings together, and any setting's code pays for the choice.
REFERENCE_DELTA = 0.05


@dataclass(frozen=True, eq=False)
class Overview:
    """The claim on this suite's models.

    Attributes:
        ours: ``Losses`` of ``terms.bound_terms`` of each model, with a column setting, in the unit
            that is shown, as all frames here.
        paper: the same in the paper's form; empty if that is the one chosen.
        seeds: ``seeds.spread`` of ``ours`` for sizes with a bound for several seeds.
        form: of ``ours``.
        choice: code and failure probability of ``ours``; its setting has no meaning if each model
            is at its own best setting.
        best: whether each model is at its own best setting.
        missing: models of the suite that have no bound here.
        on_the_way: ``progressive.on_the_way`` of the suite; may be empty.
    """

    ours: pd.DataFrame
    paper: pd.DataFrame
    seeds: pd.DataFrame
    form: Form
    choice: Choice
    best: bool
    missing: tuple[str, ...]
    on_the_way: pd.DataFrame

    @property
    def largest(self) -> pd.Series:
        """The row of the largest model in ``ours``."""
        return self.ours.iloc[-1]

    @property
    def papers_largest(self) -> pd.Series | None:
        """The paper's form of that model, None if there is none to compare with."""
        rows = self.paper[self.paper["model_id"] == self.largest["model_id"]]
        return rows.iloc[0] if len(rows) else None

    @property
    def table(self) -> pd.DataFrame:
        """Both forms' rows, with a column form."""
        named = [self.ours.assign(form=self.form.label)]
        if len(self.paper):
            named.append(self.paper.assign(form=PAPERS_LABEL))
        return pd.concat(named, ignore_index=True)

    @property
    def alike(self) -> pd.DataFrame:
        """The rows of ``ours`` that laws go through: of students alone where there are any."""
        students = self.ours[self.ours["setting"] == STUDENT.label]
        return students if len(students) else self.ours

    def laws(self) -> dict[str, Law]:
        """Laws in the model size of the bound, the measured losses, the gap and its terms."""
        measured = ("total", "measured_train_loss", "measured_heldout_loss")
        terms = (term.key for term in gap_terms(self.alike))
        return {key: law_of(self.alike, key) for key in (*measured, "gap", *terms)}


def gap_terms(frame: pd.DataFrame) -> tuple[Term, ...]:
    """The terms that make up the gap: all but the training loss, in their order."""
    return tuple(term for term in terms_in(frame) if term.key != "training_loss")


def best_choice(suite: Suite, failure_probability: float) -> Choice:
    """Our form and code; the setting is chosen for each model."""
    form = next(iter(forms_of(suite.is_sampled).values())).key
    return Choice(UNQUANTIZED, OUR_CODE, failure_probability, form)


def at_best(suite: Suite, choice: Choice, unit: Unit) -> Overview:
    """Every model at the measured setting with its smallest gap, in either form.

    Raises:
        ArtifactError: no model has a bound, or files cannot be used.
    """
    theirs = replace(choice, form=PAPERS_FORM, code=PAPERS_CODE)
    ours, papers = best_settings(suite, choice), best_settings(suite, theirs, PAPERS_QUANTIZER)
    return _overview(
        suite,
        choice,
        unit,
        _each_at(suite, choice, ours),
        _each_at(suite, theirs, papers),
        _seeds(suite, choice, ours, unit),
        best=True,
    )


def at_choice(suite: Suite, choice: Choice, unit: Unit) -> Overview:
    """Every model at one setting and code, in the chosen form and in the paper's.

    Raises:
        ArtifactError: no model has a bound there, or files cannot be used.
    """
    ours = bound_terms(suite, choice)
    ours = ours.assign(setting=choice.setting.label)
    paper = ours.head(0)
    if choice.form != PAPERS_FORM:
        paper = bound_terms(suite, replace(choice, form=PAPERS_FORM))
        paper = paper.assign(setting=choice.setting.label)
    everywhere = dict.fromkeys(ours["model_id"], choice.setting) if len(ours) else {}
    seeds = _seeds(suite, choice, everywhere, unit)
    return _overview(suite, choice, unit, ours, paper, seeds, best=False)


def best_settings(suite: Suite, choice: Choice, quantizer: str | None = None) -> dict[str, Setting]:
    """The setting with the smallest gap at ``REFERENCE_DELTA`` by model; computed once.

    Args:
        choice: form and code to use.
        quantizer: consider only its settings, if any of them was measured.
    """
    start = replace(choice, setting=UNQUANTIZED, failure_probability=REFERENCE_DELTA)
    return _best_settings(suite, start, quantizer)


@remembered
def _best_settings(suite: Suite, start: Choice, quantizer: str | None) -> dict[str, Setting]:
    settings = suite.settings()
    of_quantizer = [s for s in settings if quantizer in (None, s.quantizer)]
    if quantizer is None and suite.has_students and start.form == STUDENTS_FORM:
        of_quantizer.append(STUDENT)
    gaps: dict[str, dict[Setting, float]] = {}
    for setting in of_quantizer or settings:
        for name, bound in bounds_by_model(suite, start.at(setting)).items():
            gaps.setdefault(name, {})[setting] = bound.gap_nats
    return {name: min(found, key=found.__getitem__) for name, found in gaps.items()}


def _each_at(suite: Suite, choice: Choice, settings: dict[str, Setting]) -> pd.DataFrame:
    """Rows of ``bound_terms``, every model at its own setting, smallest first."""
    frames = [
        bound_terms(suite, choice.at(setting), names).assign(setting=setting.label)
        for setting, names in _by_setting(settings)
    ]
    if not frames:
        return pd.DataFrame()
    joined = pd.concat(frames, ignore_index=True)
    return joined.sort_values(["params_total", "model_id"], ignore_index=True)


def _seeds(suite: Suite, choice: Choice, settings: dict[str, Setting], unit: Unit) -> pd.DataFrame:
    """Range of the bound over seeds, all seeds of a size at the setting of the first."""
    frames = [
        every_seed(suite, choice.at(setting), names) for setting, names in _by_setting(settings)
    ]
    found = [Losses.of(suite, frame, unit).table for frame in frames if len(frame)]
    ranges = [spread(frame, "total") for frame in found]
    kept = [frame[frame["seeds"] > 1] for frame in ranges]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def _by_setting(settings: dict[str, Setting]) -> list[tuple[Setting, list[str]]]:
    """The models of each setting."""
    names: dict[Setting, list[str]] = {}
    for name, setting in settings.items():
        names.setdefault(setting, []).append(name)
    return list(names.items())


def _overview(
    suite: Suite,
    choice: Choice,
    unit: Unit,
    ours: pd.DataFrame,
    paper: pd.DataFrame,
    seeds: pd.DataFrame,
    *,
    best: bool,
) -> Overview:
    if ours.empty:
        raise ArtifactError("No model of this suite has a bound at this choice; choose another.")
    form = next(f for f in forms_of(suite.is_sampled).values() if f.key == choice.form)
    frames = (Losses.of(suite, frame, unit).table for frame in (ours, paper))
    missing = [name for name in suite.models()["model_id"] if name not in set(ours["model_id"])]
    online = on_the_way(suite, choice.failure_probability, unit)
    return Overview(*frames, seeds, form, choice, best, tuple(missing), online)
