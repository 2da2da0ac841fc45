"""The forms of the bound: names, formulas, and what each step improves."""

from dataclasses import dataclass, replace

#: The form that is certified from a sample, and the same with the paper's alpha and Y.
SAMPLED, SAMPLED_AT_ENTROPY = "sampled", "sampled_at_entropy"


@dataclass(frozen=True)
class Form:
    """One form of the bound, as the control offers it.

    Attributes:
        key: name in ``bounds.FORMS``.
        label: name in controls and links.
        idea: one sentence.
        formulas: LaTeX of the terms that are not the training loss or the quantization gap.
        source: publication or section.
    """

    key: str
    label: str
    idea: str
    formulas: dict[str, str]
    source: str


_MEASURED = r"\overline{X^s} - \hat R(h_q)"

FORMS = (
    Form(
        "geometric",
        "geometric",
        "Bounds the slack between a ceiling and the losses by its geometric mean. Smoothing is "
        "measured. The smoothing weight and the ceiling come from a grid whose bits are part of "
        "the code.",
        {
            "complexity": r"G\,(1 - e^{-C})",
            "loss_variation": r"\overline{Z} - G",
            "smoothing": _MEASURED,
        },
        "section 5, form (3)",
    ),
    Form(
        "geometric_at_entropy",
        "geometric, paper's choices",
        "The geometric form with the paper's smoothing weight and the predictive entropy as "
        "control variate.",
        {
            "complexity": r"G\,(1 - e^{-C})",
            "loss_variation": r"\overline{Z} - G",
            "smoothing": _MEASURED,
        },
        "section 5, form (3)",
    ),
    Form(
        "measured_smoothing",
        "paper, measured smoothing",
        "The paper's inequality with the measured cost of smoothing instead of its upper bound.",
        {
            "complexity": r"\Delta C",
            "loss_variation": r"\Sigma \sqrt{C}",
            "smoothing": _MEASURED,
        },
        "Theorem 3.1",
    ),
    Form(
        "four_term",
        "paper, four terms",
        "The paper's bound.",
        {
            "complexity": r"C \ln V",
            "loss_variation": r"\Sigma \sqrt{C}",
            "smoothing": r"\sqrt{2C} + \overline{X} - \hat R(h_q)",
        },
        "Theorem 3.4",
    ),
    Form(
        "empirical_bernstein",
        "empirical Bernstein",
        "The paper's inequality with its logarithm replaced by a quadratic.",
        {
            "complexity": r"\Delta C / s",
            "loss_variation": r"\Delta\, \psi(s)\, \overline{A^2} / s",
            "smoothing": _MEASURED,
        },
        "Fan et al. 2015; Howard et al. 2021",
    ),
    Form(
        "azuma",
        "Azuma–Hoeffding",
        "Uses only that smoothed losses are bounded.",
        {
            "complexity": r"w \sqrt{C/2}",
            "loss_variation": "0",
            "smoothing": _MEASURED,
        },
        "Lotfi et al. 2024",
    ),
    Form(
        "freedman",
        "Freedman",
        "Requires a variance known in advance; here the largest possible one.",
        {
            "complexity": r"w C / 3",
            "loss_variation": r"w \sqrt{C/2}",
            "smoothing": _MEASURED,
        },
        "Freedman 1975",
    ),
)

_Z = r"\overline{Z}"

#: Form (1) on a sample of windows, with all of its parameters chosen on other windows.
SAMPLED_FORM = Form(
    SAMPLED,
    "sampled windows",
    "The paper's inequality with an upper confidence bound of its mean instead of the mean over "
    "all training tokens. Smoothing is measured. α, the control variate and λ are chosen on other "
    "windows, from a grid whose bits are part of the code.",
    {
        "complexity": r"C/\lambda",
        "loss_variation": rf"{_Z} - \overline{{X^s}}",
        "smoothing": _MEASURED,
        "sampling": rf"U_{{\delta_s/M}}(Z) - {_Z}",
    },
    "section 6, form (1)",
)

#: The part of the paper's form that a sample can estimate, for comparison only.
SAMPLED_DISPLAY = replace(
    next(form for form in FORMS if form.key == "four_term"),
    idea="The paper's bound with the sample treated as the whole training text: **not "
    "certified**, because the losses of the unquantized model are unbounded.",
)

SAMPLED_FORMS = (SAMPLED_FORM, SAMPLED_DISPLAY)


def forms_of(sampled: bool) -> dict[str, Form]:
    """The forms of a suite, by label; a sampled suite has the forms for samples."""
    return {form.label: form for form in (SAMPLED_FORMS if sampled else FORMS)}


#: Steps from the paper's bound to ours, each with what it changes.
STEPS = (
    ("four_term", "Paper,|four terms"),
    ("measured_smoothing", "Measure the|smoothing"),
    ("geometric_at_entropy", "Geometric|form"),
    ("geometric", "Choose|α and W"),
)

#: The same for sampled windows: the cost of the sample comes first.
SAMPLED_STEPS = (
    (SAMPLED_AT_ENTROPY, "Bound its mean|from the sample"),
    (SAMPLED, "Choose α, Y and λ"),
)
