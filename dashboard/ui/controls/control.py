"""Controls: each is one choice of the visitor, drawn, checked against the link, and recorded.

Streamlit's ``bind="query-params"`` ties a widget to the address: it reads a link's value, ignores
invalid options, and leaves defaults out of the address.  The address has the label of an option,
so a control offers a mapping from labels to values.  Two tasks remain for us (Streamlit 1.67):
to say which value of a link was ignored, and to remove a value that is no longer an option from
the address, where Streamlit changes only the widget.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.escaping import escaped, quoted
from dashboard.style.numbers import count_label, parse_count
from dashboard.ui.controls import links

T = TypeVar("T")

#: Values of other controls, by their keys, as in links.
Said = Mapping[str, str]


class UnknownValueError(ValueError):
    """A value of a link that a control cannot take; the message follows “which”."""


def buttons(label: str, options: list[str], default: str, **common: Any) -> str:
    """A row of buttons, one of which is always pressed."""
    chosen = st.segmented_control(label, options, default=default, required=True, **common)
    if chosen is None:  # Streamlit reads an empty value in a link (``?unit=``) as no selection
        st.rerun()
    return chosen


def select(label: str, options: list[str], default: str, **common: Any) -> str:
    """A list to open."""
    return st.selectbox(label, options, index=options.index(default), **common)


def slider(label: str, options: list[str], default: str, **common: Any) -> str:
    """A slider over ordered options; plain text if there is only one."""
    if len(options) == 1:  # a slider needs two places
        st.caption(f"{label}: **{escaped(default)}**, the only one here.")
        return default
    return st.select_slider(label, options, value=default, **common)


def radio(label: str, options: list[str], default: str, **common: Any) -> str:
    """All options under one another."""
    return st.radio(label, options, index=options.index(default), **common)


@dataclass(frozen=True, kw_only=True)
class Control:
    """The common part of all controls.

    Attributes:
        key: name in links, and of the widget.
        label: of the widget.
        help: behind the question mark, or a function of the options that gives it.
        called: its name in a complaint about a link; its label unless given.
        makes_view: whether views that are drawn side by side may differ in it.
        beside: format of its value in the label of such a view.
        on_change: called first when a visitor changes it.
    """

    key: str
    label: str
    help: str | Callable[[Mapping[str, Any]], str] = ""
    called: str = ""
    makes_view: bool = False
    beside: str = "{}"
    on_change: Callable[[], None] = links.forget_complaints

    @property
    def named(self) -> str:
        """The control's name in a complaint about a link."""
        return self.called or f"“{self.label}”"

    def _common(self, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Arguments of every widget."""
        words = self.help if isinstance(self.help, str) else self.help(options or {})
        return {
            "key": self.key,
            "bind": "query-params",
            "on_change": self.on_change,
            "help": words or None,
        }

    def _check_link(self, options: Collection[str]) -> None:
        """Report in one sentence that the link has a value that does not exist here.

        Call it before the widget, which then falls back to its default.
        """
        for text in st.query_params.get_all(self.key):
            if text not in options and not links.lags_behind():
                self._complain(text, "does not exist here", "the default")

    def _complain(self, text: str, reason: object, instead: str) -> None:
        links.complain(
            self.key,
            f"The link asks for {self.named} {quoted(text)}, which {reason}; "
            f"{instead} is shown instead.",
        )


@dataclass(frozen=True, kw_only=True)
class OneOf(Control, Generic[T]):
    """One of several options.

    Attributes:
        options: label -> value, or a function of a suite and the values of other controls.
        default: label of the initial option; the first one unless given.
        widget: that draws it.
        parse: label of the option for a link's text, for controls that accept several
            spellings; raises ``UnknownValueError``.
    """

    options: Mapping[str, T] | Callable[[Suite, Said], Mapping[str, T]] | None = None
    default: str = ""
    widget: Callable[..., str] = select
    parse: Callable[[str], str] | None = None

    def options_of(self, suite: Suite, said: Said) -> Mapping[str, T]:
        """Every option that a view of this suite can have, by label."""
        return self.options(suite, said) if callable(self.options) else self.options or {}

    def possible(self, text: str, suite: Suite, said: Said) -> bool:
        """Whether a view of this suite can have this value."""
        return text in self.options_of(suite, said)

    def ask(
        self,
        options: Mapping[str, T] | Sequence[T] | Suite | None = None,
        *,
        default: str = "",
        label: str = "",
    ) -> T:
        """The value of the chosen option.

        Args:
            options: those of the page, names alone being their own values, or the suite that
                determines them; those of the control unless given.
            default, label: as the attributes, if they depend on the page.

        Raises:
            ArtifactError: there is no option.
        """
        if isinstance(options, Suite):
            options = self.options_of(options, record.said())
        elif options is None:
            options = self.options
        elif not isinstance(options, Mapping):
            options = {option: option for option in options}
        if not options:
            raise ArtifactError(
                "Nothing of this suite was measured at this choice; choose another."
            )
        label, default = label or self.label, default or self.default or next(iter(options))
        self._check_link(options)
        if st.session_state.get(self.key, default) not in options:
            st.session_state[self.key] = default
        chosen = self.widget(label, list(options), default, **self._common(options))
        record.chosen(self.key, label, chosen)
        return options[chosen]

    def _check_link(self, options: Collection[str]) -> None:
        text = st.query_params.get(self.key)
        if self.parse is None or text is None or text in options:
            super()._check_link(options)
            return
        try:
            st.session_state[self.key] = self.parse(text)
        except UnknownValueError as reason:
            self._complain(text, reason, self.default)


@dataclass(frozen=True, kw_only=True)
class Several(Control):
    """Any of several options, none at first."""

    def ask(self, options: Sequence[str]) -> list[str]:
        """The values of the chosen options."""
        self._check_link(options)
        before = st.session_state.get(self.key, [])
        if not set(before) <= set(options):
            st.session_state[self.key] = [option for option in before if option in options]
        chosen = st.multiselect(self.label, options, **self._common())
        record.chosen(self.key, self.label, chosen)
        return chosen


@dataclass(frozen=True, kw_only=True)
class Switch(Control):
    """On or off; off at first."""

    def ask(self) -> bool:
        """Whether it is on."""
        chosen = st.toggle(self.label, **self._common())
        record.chosen(self.key, self.label, chosen)
        return chosen


@dataclass(frozen=True, kw_only=True)
class Sheet(Control):
    """A page of rows, the first one at first."""

    def ask(self, last: int) -> int:
        """The page's number, from 1; not drawn if there is only one page."""
        if last == 1:
            return 1
        chosen = st.pagination(last, key=self.key, bind="query-params")
        record.chosen(self.key, self.label, str(chosen))
        return chosen

    def restart(self) -> None:
        """A change of rows starts again at the first page."""
        if self.key in st.session_state:
            st.session_state[self.key] = 1


@dataclass(frozen=True, kw_only=True)
class Text(Control):
    """Text that a visitor writes.

    Attributes:
        longest: number of characters that it may have.
        placeholder: shown while it is empty.
    """

    longest: int = 80
    placeholder: str | None = None

    def ask(self, read: Callable[[str], T], nothing: T) -> T:
        """The result of ``read`` for the text; ``nothing`` if it is empty or cannot be read.

        Args:
            read: raises ``ValueError`` with a sentence, which becomes a complaint.
        """
        text = self._field().strip()
        links.withdraw(self.key)
        if not text:
            return nothing
        try:
            value = read(text)
        except ValueError as reason:
            links.complain(self.key, str(reason))
            return nothing
        record.chosen(self.key, self.label, text)
        return value

    def _field(self, default: str = "", label: str = "") -> str:
        look = {"max_chars": self.longest, "placeholder": self.placeholder}
        return st.text_input(label or self.label, default, **look, **self._common()) or ""


@dataclass(frozen=True, kw_only=True)
class Number(Text):
    """A number as people write it, between two ends: ``3.2M``, ``1e9``.

    Attributes:
        ends: smallest and largest allowed number.
    """

    longest: int = 24
    ends: tuple[float, float]

    def possible(self, text: str, suite: Suite, said: Said) -> bool:
        """Whether a view can have this value."""
        return self._read(text, *self.ends) is not None

    def ask(self, default: str, *, low: float | None = None, label: str = "") -> float:
        """The number; ``default``, with a complaint, if the text cannot be read or is out of range.

        Another suite may have another default, which replaces the old one unless the visitor has
        written something else.

        Args:
            low: smallest number on this page, if it depends on the suite.
        """
        low, high = self.ends[0] if low is None else low, self.ends[1]
        before = st.session_state.get(f"{self.key}_default", default)
        if before != default and st.session_state.get(self.key) == before:
            st.session_state[self.key] = default
        st.session_state[f"{self.key}_default"] = default
        label = label or self.label
        text = self._field(default, label)
        value = self._read(text, low, high)
        record.chosen(self.key, label, default if value is None else text)
        if value is not None:
            links.withdraw(self.key)
            return value
        links.complain(
            self.key,
            f"{label}: {quoted(text)} is not a number from {count_label(low)} to "
            f"{count_label(high)}, written like 300k, 1.4B or 2e12; {default} is used instead.",
        )
        return parse_count(default)

    @staticmethod
    def _read(text: str, low: float, high: float) -> float | None:
        value = parse_count(text)
        return value if value is not None and low <= value <= high else None
