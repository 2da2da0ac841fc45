"""A pinned view next to the live one: in two columns, in numbers, in the link."""

import math
import re
import shutil
from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import pytest

from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import view_file
from dashboard.style.glossary import TERMS
from dashboard.ui.beside.pinned_link import LinkError, parsed
from dashboard.ui.beside.view import View, labelled
from tests.dashboard.helpers.hostile import VALUES
from tests.dashboard.helpers.views import link_of, numbers_of, query_of, record_of
from tests.dashboard.ui.test_app import charts

#: A move of one control of every page that shows two views, and what then heads the columns.
MOVES = {
    "overview": ("settings", "as chosen", ("as chosen", "best measured")),
    "bound_explorer": (
        "quantizer",
        "Round to nearest",
        ("Round to nearest, 4 bits", "GPTQ, 4 bits"),
    ),
    "loss_variation": ("bits", "3", ("GPTQ, 3 bits", "GPTQ, 4 bits")),
    "quantization": ("code", "entropy-coded", ("entropy-coded", "stored")),
    "curvature": ("matrix", "Gauss–Newton", ("Gauss–Newton matrix", "Hessian matrix")),
    "information": ("quantizer", "Float formats", ("32 bits (float32)", "GPTQ, 4 bits")),
    "scaling_laws": ("form", "paper, four terms", ("form paper, four terms", "form geometric")),
    "what_if": ("ratio", "40", ("40 tokens per parameter", "4 tokens per parameter")),
}

#: Lawful, on every page that asks for a quantizer.
KEPT = {"quantizer": "Round to nearest", "bits": "3", "code": "entropy-coded", "delta": "0.01"}


def keep(app):
    return app.button(key="keep").click().run()


def move(app, control, value):
    """Set a control of any kind."""
    widget = next(element for element in app if getattr(element, "key", None) == control)
    return widget.set_value(value).run()


def buttons(app):
    return {button.key for button in app.button} & {"keep", "let_go"}


def heads(app):
    """What the columns are headed by."""
    return [m.value for m in app.markdown if m.value.startswith("**") and "\n" not in m.value]


def difference_table(app):
    """Label -> live, kept, difference, of the table under two views; None where there is none."""
    tables = [m.value for m in app.markdown if "| difference |" in m.value]
    if not tables:
        return None
    rows = [line.split("|")[2:-1] for line in tables[0].splitlines()[2:]]
    return {
        re.sub(r"\W*\*\*\W*", "", label): [
            float(c.partition("±")[0].replace("−", "-").replace(",", "")) for c in cells
        ]
        for label, *cells in rows
    }


@pytest.mark.parametrize("page", MOVES)
def test_a_kept_view_stands_beside_the_live_one_until_it_is_let_go(open_page, page):
    control, value, labels = MOVES[page]
    app = keep(open_page(page))
    assert not app.exception
    assert buttons(app) == {"let_go"}
    assert not any(labels[1] == head.strip("*") for head in heads(app))
    app = move(app, control, value)
    assert not app.exception
    assert not app.error
    shown = heads(app)
    assert any(head.startswith(f"**{labels[0]}**") for head in shown), shown
    assert any(head.startswith(f"**{labels[1]}**") for head in shown), shown
    assert any("the pinned view" in caption.value for caption in app.caption)
    # What is drawn of the pinned view is drawn of the live one too.
    titles = [part.title for part in record_of(app).charts()]
    assert sum(t.endswith(f", {labels[1]}") for t in titles) >= 1
    assert sum(t.endswith(f", {labels[0]}") for t in titles) >= 1
    check_both_charts_have_one_vertical_axis(app)
    check_the_link_opens_both(open_page, page, app)
    app = app.button(key="let_go").click().run()
    assert not app.exception
    assert "beside" not in app.query_params
    assert buttons(app) == {"keep"}
    assert not any("the pinned view" in caption.value for caption in app.caption)
    titles = [part.title for part in record_of(app).charts()]
    assert not any(title.endswith(f", {labels[1]}") for title in titles)


def check_the_link_opens_both(open_page, page, app):
    query = query_of(link_of(app))
    assert parse_qs(query["beside"])["suite"] == ["micro"]
    again = open_page(page, **query)
    assert not again.exception
    assert [w.value for w in again.warning] == [w.value for w in app.warning]
    assert not any("The link asks" in w.value for w in again.warning)
    assert heads(again) == heads(app)
    assert numbers_of(again) == numbers_of(app)
    assert difference_table(again) == difference_table(app)
    assert link_of(again) == link_of(app)


def vertical_axes(spec):
    """The ends of every vertical axis that a chart fixes."""
    own = (spec.get("encoding", {}).get("y", {}) or {}).get("scale") or {}
    inner = [ends for layer in spec.get("layer", []) for ends in vertical_axes(layer)]
    return inner + ([tuple(own["domain"])] if "domain" in own else [])


def check_both_charts_have_one_vertical_axis(app):
    named = [head.split("**")[1] for head in heads(app)]
    beside = [c for c in record_of(app).charts() if c.title.partition(", ")[2] in named]
    if not beside:  # a title with a comma of its own
        beside = [
            c
            for c in record_of(app).charts()
            if c.title.partition(", ")[2].partition(", ")[2] in named
        ]
    pair = [vertical_axes(part.chart.to_dict()) for part in beside[:2]]
    assert len(pair) == 2
    assert all(pair)
    assert len({ends for axes in pair for ends in axes}) == 1


def test_both_charts_of_two_quantizers_have_one_vertical_axis(open_page):
    kept = {"quantizer": "Round to nearest", "bits": "3"}
    check_both_charts_have_one_vertical_axis(open_page("quantization", beside=urlencode(kept)))


def test_differences_are_those_of_the_two_bounds(seen_page, suite):
    app = seen_page(
        "bound_explorer", beside=urlencode(KEPT | {"model": "ladder-6k"}), model="ladder-6k"
    )
    live = Choice(Setting("gptq", 4), "stored", 0.05)
    kept = Choice(Setting("rtn", 3), "entropy_coded", 0.01)
    rows = [
        bound_terms(suite, choice).set_index("model_id").loc["ladder-6k"] for choice in (live, kept)
    ]
    table = difference_table(app)
    keys = {"Bound": "total_nats", "Gap": "gap_nats"}
    keys |= {term.label: term.nats for term in TERMS if term.label != "Sampling"}
    assert table.keys() == keys.keys() | {"Code, bits per parameter"}
    for label, key in keys.items():
        values = [rows[0][key], rows[1][key], rows[0][key] - rows[1][key]]
        assert table[label] == pytest.approx(values, abs=1.1e-4)
    assert abs(table["Gap"][2]) > 0.001
    how = "smaller" if table["Gap"][2] < 0 else "larger"
    assert any(f" {how} than that of the pinned one" in c.value for c in app.caption)


def test_a_view_may_be_of_another_model(seen_page, suite):
    kept = {"quantizer": "GPTQ", "bits": "4", "model": "ladder-5k"}
    app = seen_page("bound_explorer", beside=urlencode(kept), model="ladder-12k")
    rows = bound_terms(suite, Choice(Setting("gptq", 4), "stored", 0.05)).set_index("model_id")
    bounds = [rows.loc[name, "total_nats"] for name in ("ladder-12k", "ladder-5k")]
    assert difference_table(app)["Bound"][:2] == [math.ceil(bound * 1e4) / 1e4 for bound in bounds]
    assert {"**ladder-12k**, GPTQ, 4 bits", "**ladder-5k**, GPTQ, 4 bits"} <= set(heads(app))


def test_a_view_may_be_of_a_size_that_nobody_measured(seen_page):
    kept = {"quantizer": "GPTQ", "bits": "4", "model": "another size", "n": "1M"}
    app = seen_page("bound_explorer", beside=urlencode(kept), quantizer="Round to nearest")
    assert not app.exception
    assert not app.warning
    assert {"**Round to nearest, 4 bits, ladder-12k**", "**GPTQ, 4 bits, N = 1M**"} <= set(
        heads(app)
    )
    # The numbers are of a model that there is, and named by it.
    head = next(m.value for m in app.markdown if "| difference |" in m.value).splitlines()[0]
    assert "N = 1M (no bound there; the nearest with one is ladder-12k) :green-badge" in head
    assert not any("The gap of the view that follows" in c.value for c in app.caption)


def test_two_names_for_one_model_are_not_two_bounds_that_agree(seen_page):
    kept = {"quantizer": "GPTQ", "bits": "4", "model": "another size", "n": "1M"}
    app = seen_page("bound_explorer", beside=urlencode(kept), model="ladder-12k")
    table = difference_table(app)
    assert table["Bound"][2] == 0
    assert not any("of the two views are the same" in caption.value for caption in app.caption)


def test_what_certifies_nothing_is_said_to_be_so_and_hollow(seen_page):
    app = seen_page("bound_explorer", beside=urlencode(KEPT | {"code": "nominal"}))
    table = next(m.value for m in app.markdown if "| difference |" in m.value)
    head = table.splitlines()[0].split("|")
    assert ":green-badge" in head[3]
    assert ":orange-badge" in head[4]
    live, kept = charts(app)[:2]
    assert live["layer"][0]["mark"].get("filled") is not False
    assert kept["layer"][0]["mark"]["filled"] is False


def test_the_exported_view_has_both(open_page, monkeypatch):
    picture = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    monkeypatch.setattr(view_file.chart_files, "draw", lambda specs, *_: [picture] * len(specs))
    app = open_page("bound_explorer", beside=urlencode(KEPT))
    document = view_file.document(record_of(app), link_of(app))
    assert "Terms of the bound, Round to nearest, 3 bits, entropy-coded, δ = 0.01" in document
    assert "Terms of the bound, GPTQ, 4 bits, stored, δ = 0.05" in document
    assert "Pinned view" in document
    assert urlencode({"beside": urlencode(KEPT)}) in document
    assert ":material/" not in document
    rows = [part.frame for part in record_of(app).parts if hasattr(part, "frame")]
    assert rows[0].groupby("view").size().to_dict() == {
        "GPTQ, 4 bits, stored, δ = 0.05": 3,
        "Round to nearest, 3 bits, entropy-coded, δ = 0.01": 3,
    }


def test_it_goes_along_to_other_pages(open_page):
    app = open_page("bound_explorer", beside=urlencode(KEPT))
    for page in ("quantization", "artifacts", "information"):
        app = app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        assert not app.warning
        assert app.query_params["beside"] in (urlencode(KEPT), [urlencode(KEPT)])
    assert difference_table(app)
    app.button(key="let_go").click().run()
    app = app.switch_page("pages/bound_explorer.py").run()
    assert "beside" not in app.query_params
    assert not difference_table(app)


def test_what_a_page_does_not_ask_for_follows_its_controls(seen_page):
    app = seen_page("curvature", beside=urlencode(KEPT))
    assert buttons(app) == {"let_go"}
    assert not any("the pinned view" in caption.value for caption in app.caption)
    for kept in ({"matrix": "Hessian"}, {"n": "1M", "ratio": "30", "vocab": "300"}):
        app = seen_page("bound_explorer", beside=urlencode(kept))
        assert buttons(app) == {"let_go"}
        assert difference_table(app) is None


def test_a_view_of_another_suite_can_be_kept(open_page, data_copy):
    shutil.copytree(data_copy / "micro", data_copy / "twin")
    with (data_copy / "twin/manifest.json").open("a") as file:
        file.write("\n")
    app = open_page("bound_explorer", data_copy, suite="micro")
    app = move(keep(app), "suite", "twin")
    assert {"**twin**, GPTQ, 4 bits", "**micro**, GPTQ, 4 bits"} <= set(heads(app))
    query = query_of(link_of(app))
    versions = [f"{n}:{Suite(data_copy, n).version.short}" for n in ("twin", "micro")]
    assert query["version"] == versions
    # A suite that is compared as well is not drawn twice.
    both = open_page("bound_explorer", data_copy, **query | {"compare": "micro"})
    assert heads(both).count("**micro**, GPTQ, 4 bits") == 1
    again = open_page("bound_explorer", data_copy, **query)
    assert not again.warning
    assert difference_table(again)["Bound"][2] == 0.0
    shutil.rmtree(data_copy / "micro")
    (warning,) = open_page("bound_explorer", data_copy, **query).warning
    assert "a pinned view with the suite `micro`, which does not exist here" in warning.value


def test_labels_are_never_alike(suite):
    choice = Choice(Setting("gptq", 4), "stored", 0.05)
    said = {"quantizer": "GPTQ", "bits": "4", "code": "stored"}
    view = View(suite, choice, 1e4, said)
    other = replace(view, said=said | {"code": "nominal"})
    assert [v.label for v in labelled([view, other])] == ["stored", "nominal"]
    without = replace(view, said={"quantizer": "GPTQ", "bits": "4"})
    labels = [v.label for v in labelled([view, replace(without, pinned=True), without, other])]
    assert len(set(labels)) == 4


# --- links by strangers


@pytest.mark.parametrize(
    ("kept", "named"),
    [
        ("suite=nope", "the suite `nope`"),
        ("suite=../micro", "the suite `../micro`"),
        ("quantizer=GPTQ&bits=99", "the bitrate `99`"),
        ("quantizer=GPTQ", "the bitrate (empty)"),
        ("bits=4", "the bitrate `4`"),
        ("quantizer=gptq&bits=4", "the quantizer `gptq`"),
        ("form=", "the form of the bound (empty)"),
        ("delta=nan", "delta `nan`"),
        ("delta=5", "delta `5`"),
        ("model=<b>", "the model `<b>`"),
        ("model=another+size", "the model `another size`"),
        ("model=another+size&n=1e99", "the size `1e99`"),
        ("vocab=-1", "the vocabulary `-1`"),
        ("matrix=hessian", "the matrix `hessian`"),
        ("code=stored&code=nominal", "the pinned view"),
        ("unit=bits+per+byte", "the pinned view"),
        ("", "the pinned view (empty)"),
    ],
)
def test_what_does_not_exist_is_named(suite, kept, named):
    with pytest.raises(LinkError) as caught:
        parsed(kept, suite)
    assert named in str(caught.value)


def test_what_does_not_exist_is_one_sentence_and_changes_nothing(seen_page):
    plain, app = seen_page("bound_explorer"), seen_page("bound_explorer", beside="bits=4")
    assert not app.exception
    (warning,) = app.warning
    assert "the bitrate `4`" in warning.value
    assert warning.value.endswith("; no view is pinned.")
    assert numbers_of(app) == numbers_of(plain)
    assert charts(app) == charts(plain)
    assert buttons(app) == {"keep"}
    assert link_of(app) == link_of(plain)


def test_other_complaints_about_the_link_stay(seen_page):
    app = seen_page("bound_explorer", beside="x", form="nope", version="micro:0123456789ab")
    words = [warning.value for warning in app.warning]
    assert len(words) == 3
    assert sum("The link asks for" in text for text in words) == 2
    assert sum("This link was made with version" in text for text in words) == 1


def test_no_strangers_text_is_a_view(suite):
    for value in VALUES:
        for text in (value, *(urlencode({name: value}) for name in ("quantizer", "n", "x"))):
            with pytest.raises(LinkError) as caught:
                parsed(text, suite)
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 400
