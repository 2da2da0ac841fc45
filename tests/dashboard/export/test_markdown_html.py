"""Markdown and formulas of the pages in a file of their own."""

import re
from xml.etree import ElementTree

import pytest

from bounds.laws.published import PUBLISHED
from dashboard.export.markdown_html import block, line
from dashboard.export.mathml import mathml
from dashboard.style.inequalities import FORMS, SAMPLED_FORM
from dashboard.views.artifacts.number_paths import PATHS
from dashboard.views.curvature.predicted_gap import PREDICTORS

FORMULAS = [
    *dict.fromkeys(latex for form in (*FORMS, SAMPLED_FORM) for latex in form.formulas.values()),
    *(law.formula for law in PUBLISHED),
    *(predictor.formula for predictor in PREDICTORS),
    *(path.formula for path in PATHS),
    r"C = [L \ln 2 + \ln(|K|/\delta)]/D",
    r"B\,\frac{\beta}{1-\beta}D^{1-\beta}",
    r"\tfrac12 e^\top H e",
    r"\mathrm{tr}((W_q-W)H(W_q-W)^\top)",
]


@pytest.mark.parametrize("latex", FORMULAS)
def test_every_formula_of_the_app_is_drawn(latex):
    drawn = mathml(latex)
    assert drawn.startswith("<math")
    words = "".join(ElementTree.fromstring(drawn).itertext())
    assert "\\" not in words
    digits = re.sub(r"\D", "", re.sub(r"\\[a-z]+", "", latex))
    assert re.sub(r"\D", "", words) == digits


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\sqrt{C}", "<msqrt><mrow><mi>C</mi></mrow></msqrt>"),
        (r"\overline{Z}", '<mover><mrow><mi>Z</mi></mrow><mo accent="true">―</mo></mover>'),
        ("(a", '<mo stretchy="false">(</mo><mi>a</mi>'),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\tfrac12 e^\top H", "</mfrac></mstyle><msup><mi>e</mi><mo>⊤</mo></msup><mi>H</mi>"),
        ("x^12", "<msup><mi>x</mi><mn>1</mn></msup><mn>2</mn>"),
        ("-1", "<mo>−</mo><mn>1</mn>"),
        ("a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_formulas_are_built_as_they_should(latex, expected):
    assert expected in mathml(latex)


@pytest.mark.parametrize(
    "latex",
    [
        r"\href{javascript:alert(1)}{y}",
        r"\class{x}{y}",
        r"\style{x}{y}",
        r"\color{red}{y}",
        r"\unknown{x}",
        "x^",
        "x^1^2",
        "{" * 3000,
    ],
)
def test_what_is_not_drawn_stays_latex(latex):
    assert mathml(latex) == f"<code>{latex}</code>"


@pytest.mark.parametrize("latex", [r"\text{<b>}", r"\mathrm{<b>}", r"\text{&lt;b>}", "<b>", "a}b"])
def test_foreign_elements_in_a_formula_are_text(latex):
    tags = {part.tag.rpartition("}")[2] for part in ElementTree.fromstring(mathml(latex)).iter()}
    assert "math" in tags
    assert "b" not in tags


def test_badges_icons_and_marks():
    assert line(":green-badge[:material/verified: certified] x") == (
        '<span class="badge green">certified</span> x'
    )
    assert line(":material/lock: kept") == "kept"
    square = "<span style='color:#3D9BE9;font-size:1.5em'>■</span>"
    assert line(square) == square
    assert line(r"a \:green-badge\[x\] \$5") == "a :green-badge[x] $5"


def test_tables_and_formulas_in_them():
    html = block("| a | b |\n|---|--:|\n| **x** | $N^{2}$ |")
    assert "<table>" in html
    assert "<strong>x</strong>" in html
    assert "<msup>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](http://evil.example/x.png)",
        "[x](javascript:alert(1))",
        "<http://evil.example>",
        "<span style='color:#3D9BE9' onclick='x'>",
        "<span style='background:url(//evil.example)'>",
        "$<img src=x>$",
        "    <b>indented</b>",
        "[a]: http://evil.example\n\n[a]",
        ":green-badge[<i>x</i>]",
    ],
)
def test_foreign_html_images_and_links_are_text(text):
    for html in (block(text), line(text)):
        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= {"p", "span", "math", "mrow", "mo", "mi", "code"}
        assert "onclick" not in re.sub(r"&[lg]t;.*", "", html)
        assert not re.search(r"(src|href)=[\"']", html)
