"""A hostile query string changes nothing, and nothing of it is rendered."""

import re
import shutil

import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import quoted
from dashboard.style.numbers import parse_count
from dashboard.ui.controls.registry import CONTROLS
from tests.conftest import ROOT
from tests.dashboard.helpers.hostile import KINDS, VALUES

KEYS = (*CONTROLS, "beside")
UNKNOWN = ("", "x", "__proto__", "<b>", "embed_options", "key", "page", "suite[]", "Suite", "\0")
UNKNOWN = (*UNKNOWN, "version")

#: Fields of the page *Your losses*, where any number is heeded and shown.
NUMBERS = tuple(f"own_{name}" for name in ("n", "d", "v", "bits", "start", "bytes"))
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))

#: Values of one key in one link: all are looked at, the last is what a widget is given.
AT_ONCE = 24

#: Values of one key that are tried alone.
TURNS = 8


@pytest.fixture(scope="module")
def two_suites(tmp_path_factory, micro_suite):
    """A folder in which there is something to compare."""
    folder = tmp_path_factory.mktemp("hostile") / "data"
    for name in ("micro", "second"):
        shutil.copytree(micro_suite / "data/micro", folder / name)
    return folder


@pytest.fixture(scope="module")
def opened(two_suites):
    return Suite(two_suites, "micro")


@pytest.fixture
def visit(two_suites, new_app, monkeypatch):
    """A page (the first one where none is named), opened by a link with this query."""
    monkeypatch.setenv("BOUNDSCAPE_DATA", str(two_suites))

    def start(page: str | None, query: dict[str, list[str]]) -> AppTest:
        app = new_app(page)
        for name, values in query.items():
            app.query_params[name] = values
        app.run()
        assert not app.exception
        assert not app.error
        return app

    return start


def is_complaint(element) -> bool:
    return element.type == "warning" and element.icon == ":material/link_off:"


def rendered(app: AppTest) -> list[tuple[str, bytes]]:
    """All that a visitor sees besides complaints and what stands in a field of text.

    A download that is made on request has another random name on every run.
    """
    found = []
    for element in app:
        proto = getattr(element, "proto", None)
        if proto is None or is_complaint(element):
            continue
        if element.type == "text_input":
            copy = type(proto)()
            copy.CopyFrom(proto)
            copy.ClearField("value")
            copy.ClearField("set_value")
            proto = copy
        if element.type == "download_button" and proto.deferred_file_id:
            copy = type(proto)()
            copy.CopyFrom(proto)
            copy.deferred_file_id = "random"
            proto = copy
        found.append((element.type, proto.SerializeToString(deterministic=True)))
    return found


def words_around(sentence: str) -> str:
    """A sentence without its code spans; it must have no other markup."""
    words = ""
    for block in MarkdownIt("commonmark").parse(sentence):
        assert block.type in ("paragraph_open", "inline", "paragraph_close"), sentence
        for token in block.children or []:
            assert token.type in ("text", "code_inline"), sentence
            words += token.content if token.type == "text" else "•"
    return words


def check_complaints(app: AppTest) -> None:
    for element in app:
        if is_complaint(element):
            sentence = element.value
            assert sentence.isprintable()
            assert len(sentence) < 400
            assert re.fullmatch(r"[\w ,;:.“”•δ()]+", words_around(sentence)), sentence


def query_of(start: int) -> dict[str, list[str]]:
    """Other values for every key; those of a key follow one another in the list."""
    found = {
        key: [VALUES[(start + AT_ONCE * i + j) % len(VALUES)] for j in range(AT_ONCE)]
        for i, key in enumerate([*KEYS, *UNKNOWN])
    }
    return found | {key: [v for v in found[key] if not is_number(v)] for key in NUMBERS}


def is_number(value: str) -> bool:
    return parse_count(value.strip().removeprefix("-")) is not None


@pytest.fixture(scope="module")
def seen() -> dict[str | None, AppTest]:
    """Pages that were opened without a query."""
    return {}


@pytest.fixture
def plainly(visit, seen):
    """A page without a query."""

    def start(page: str | None) -> AppTest:
        if page not in seen:
            seen[page] = visit(page, {})
        return seen[page]

    return start


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_the_one_without_a_query(visit, plainly, page):
    plain = rendered(plainly(page))
    assert len(plain) > 20
    app = visit(page, query_of(PAGES.index(page)))
    assert rendered(app) == plain
    if page != "your_losses":  # it is of no suite
        assert app.selectbox(key="suite").value == "micro"
    check_complaints(app)


def test_every_control_that_is_tied_to_the_address_is_tried(visit, plainly):
    apps = [plainly(page) for page in PAGES]
    apps.append(visit("bound_explorer", {"model": ["another size"]}))
    apps.append(visit("overview", {"settings": ["as chosen"]}))
    apps.append(visit("scaling_laws", {"compare": ["second"]}))
    parts = ("Tables", "Files", "Where numbers come from")
    table = {"table": ["loss_histograms"]}
    apps += [visit("artifacts", {"part": [part], **table}) for part in parts]
    protos = (getattr(element, "proto", None) for app in apps for element in app)
    bound = {getattr(proto, "query_param_key", "") or "" for proto in protos} - {""}
    assert bound == set(CONTROLS)


def every_control():
    """A page of nothing but controls, and what they say."""
    import streamlit as st

    from dashboard.ui.controls import bound, links, registry, size

    suite = st.session_state["open_suite"]
    models = suite.models()
    said = [
        registry.SUITE.ask(["micro", "second"]),
        registry.COMPARE.ask(["second"]),
        registry.UNIT.ask(),
        registry.TOGETHER.ask(),
        bound.bound_controls(suite),
        registry.LAW.ask(),
        registry.MATRIX.ask(),
        registry.BANDWIDTH.ask(),
        *(control.ask(["a", "b"]) for control in (registry.QUANTITY, registry.PREDICTED)),
        registry.FROM.ask(["a", "b"]),
        size.size_control(models),
        registry.N.ask("1M"),
        size.reach_control(1e6),
        registry.RATIO.ask("20"),
        registry.VOCAB.ask("256", low=256),
        registry.TARGET.ask("0.5"),
    ]
    st.session_state["said"] = said
    links.show_complaints()


def test_values_of_every_kind_for_every_key_are_the_default(opened):
    def said(query: dict[str, list[str]]) -> list:
        app = AppTest.from_function(every_control, default_timeout=60)
        app.session_state["open_suite"] = opened
        for name, values in query.items():
            app.query_params[name] = values
        app.run()
        assert not app.exception
        check_complaints(app)
        return app.session_state["said"]

    plain = said({})
    for turn in range(TURNS):  # another value for every key at every turn
        values = [VALUES[(turn + i * TURNS) % len(VALUES)] for i in range(len(KEYS))]
        asked = {key: [value] for key, value in zip(KEYS, values, strict=True)}
        assert said(asked) == plain, asked
    lawful = {"quantizer": "Round to nearest", "delta": "0.01", "suite": "second", "quantity": "b"}
    assert said({key: [value] for key, value in lawful.items()}) != plain, "a lawful one is heeded"


@pytest.mark.parametrize("value", VALUES, ids=KINDS)
def test_a_strangers_text_in_a_sentence_is_code_and_nothing_else(value):
    sentence = f"The link asks for the suite {quoted(value)}, which does not exist here."
    assert sentence.isprintable()
    shown = "•" if sentence.count("`") == 2 else "(empty)"
    assert words_around(sentence) == (
        f"The link asks for the suite {shown}, which does not exist here."
    )


def test_two_suites_under_each_others_names_stay_apart(visit):
    app = visit("bound_explorer", {"suite": ["second"], "compare": ["second", "micro", "../micro"]})
    assert app.selectbox(key="suite").value == "second"
    assert set(app.multiselect(key="compare").value) <= {"micro"}
    check_complaints(app)
