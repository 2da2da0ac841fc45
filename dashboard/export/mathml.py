"""The formulas of this app as MathML, which browsers draw without a script.

Reads the part of LaTeX that the pages use: scripts, fractions, roots, accents, words, Greek.
"""

import re
from html import escape

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\s+|.")

_SYMBOLS = {
    **{"alpha": "α", "beta": "β", "delta": "δ", "lambda": "λ", "psi": "ψ", "sigma": "σ"},
    **{"tau": "τ", "theta": "θ", "Delta": "Δ", "Sigma": "Σ"},
}
_OPERATORS = {
    **{"cdot": "⋅", "times": "×", "ge": "≥", "le": "≤", "top": "⊤", "sum": "∑", "approx": "≈"},
    **{"in": "∈", "int": "∫", "lvert": "|", "rvert": "|"},
    **{"{": "{", "}": "}", "%": "%"},
}
_WORDS = {"ln", "max", "min", "exp", "log"}
_SPACES = {",": "0.17em", ";": "0.28em", " ": "0.25em", "quad": "1em"}
_ACCENTS = {"overline": "¯", "hat": "^", "bar": "¯", "tilde": "~"}
_UPRIGHT = {"mathrm", "text", "operatorname"}


class UnknownFormulaError(ValueError):
    """LaTeX that is not among what is read here."""


def mathml(latex: str) -> str:
    """A formula as a ``<math>`` element; what is unknown stays LaTeX, as code."""
    try:
        content = _Reader(latex).everything()
    except UnknownFormulaError:
        return f"<code>{escape(latex)}</code>"
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{content}</math>'


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, latex: str) -> None:
        self._tokens = [token for token in _TOKEN.findall(latex) if not token.isspace()]
        self._place = 0

    def everything(self) -> str:
        """The whole formula.

        Raises:
            UnknownFormulaError: there is something in it that is not read here.
        """
        content = self._row()
        if self._next():
            raise UnknownFormulaError(self._next())
        return content

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        self._place += 1
        return token

    def _row(self) -> str:
        parts = []
        while self._next() not in ("", "}"):
            parts.append(self._with_scripts())
        return "".join(parts)

    def _with_scripts(self) -> str:
        base, scripts = self._atom(), {}
        while self._next() in ("^", "_"):
            kind = self._take()
            if kind in scripts:
                raise UnknownFormulaError(kind)
            scripts[kind] = self._argument()
        if len(scripts) == 2:
            return f"<msubsup>{base}{scripts['_']}{scripts['^']}</msubsup>"
        if "_" in scripts:
            return f"<msub>{base}{scripts['_']}</msub>"
        return f"<msup>{base}{scripts['^']}</msup>" if scripts else base

    def _argument(self) -> str:
        """What a command or a script applies to: a group, or one sign."""
        number = self._next()
        if number.isdigit() and len(number) > 1:  # as in a half, \frac12
            self._tokens[self._place : self._place + 1] = [number[0], number[1:]]
        return self._atom()

    def _atom(self) -> str:
        token = self._take()
        if token == "{":
            content = self._row()
            if self._take() != "}":
                raise UnknownFormulaError("{")
            return f"<mrow>{content}</mrow>"
        if token.startswith("\\"):
            return self._command(token[1:])
        if token in ("", "}", "^", "_"):
            raise UnknownFormulaError(token)
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        return f"<mo>{escape('−' if token == '-' else token)}</mo>"

    def _command(self, name: str) -> str:
        if name in _SYMBOLS:
            return f"<mi>{_SYMBOLS[name]}</mi>"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>"
        if name in _WORDS:
            return f'<mi mathvariant="normal">{name}</mi>'
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"></mspace>'
        if name in ("left", "right"):
            return self._atom()
        if name == "sqrt":
            return f"<msqrt>{self._argument()}</msqrt>"
        if name in ("frac", "tfrac"):
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if name in _ACCENTS:
            return f'<mover accent="true">{self._argument()}<mo>{_ACCENTS[name]}</mo></mover>'
        if name in _UPRIGHT:
            return f'<mi mathvariant="normal">{escape(self._plain_group())}</mi>'
        raise UnknownFormulaError(name)

    def _plain_group(self) -> str:
        if self._take() != "{":
            raise UnknownFormulaError("a group must follow")
        word = ""
        while self._next() not in ("", "}"):
            word += self._take()
        self._take()
        return word
