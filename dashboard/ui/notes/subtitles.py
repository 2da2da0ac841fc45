"""Subtitles of charts: the unit of the values, then the setting that they belong to."""

from dashboard.analysis.bound.terms import PREQUENTIAL, Choice
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.numbers import delta_label


def subtitle(unit: str, *setting: str) -> str:
    """``Nats per token; GPTQ, 4 bits, δ = 0.05``: empty parts of the setting are left out."""
    return "; ".join(filter(None, (unit[:1].upper() + unit[1:], ", ".join(filter(None, setting)))))


def of_choice(choice: Choice) -> str:
    """Quantizer, rate, code length and δ of a bound."""
    setting = "unquantized" if choice.code == PREQUENTIAL else choice.setting.label
    return f"{setting}, {code_and_delta(choice)}"


def code_and_delta(choice: Choice, *codes: str) -> str:
    """Code length and δ alone, where the setting, and the code if ``codes`` are several, differs
    from model to model."""
    delta = delta_label(choice.failure_probability)
    names = " or ".join(CODE_LABELS[code] for code in codes or (choice.code,))
    return f"code length {names}, δ = {delta}"
