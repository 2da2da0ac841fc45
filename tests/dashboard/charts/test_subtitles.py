"""Every chart has a subtitle: the unit of its values, and the setting of the view."""

from dashboard.analysis.bound.terms import PREQUENTIAL, Choice
from dashboard.artifacts.settings import Setting
from dashboard.export import chart_files, view_file
from dashboard.export.record import Chart, Record
from dashboard.ui.notes.subtitles import of_choice, subtitle
from tests.dashboard.helpers.views import record_of

CHOICE = Choice(Setting("gptq", 4), "entropy_coded", 0.05)


def subtitles(app) -> dict[str, str]:
    """Title of every chart -> its subtitle."""
    return {part.title: part.subtitle for part in record_of(app).charts()}


def test_words():
    assert of_choice(CHOICE) == "GPTQ, 4 bits, code length entropy-coded, δ = 0.05"
    assert (
        of_choice(CHOICE.with_code(PREQUENTIAL))
        == f"unquantized, code length {PREQUENTIAL}, δ = 0.05"
    )
    assert subtitle("bits per byte", "GPTQ", "", "log axes") == "Bits per byte; GPTQ, log axes"
    assert subtitle("nats per token") == "Nats per token"


def check_subtitles(app, unit: str | None) -> None:
    """Every chart of the page has one, in the unit that was asked for."""
    found = subtitles(app)
    assert all(found.values())
    drawn = [element.value for element in app.markdown if ":small[:gray[" in element.value]
    assert len(drawn) == len(record_of(app).charts())
    for line in found.values():
        assert any(f":small[:gray[{line}]]" in text for text in drawn)
    other = {"bits per byte": "Nats per token", None: "Bits per byte"}[unit]
    assert not [line for line in found.values() if line.startswith(other)]


def test_they_follow_the_controls(open_app):
    words = "Nats per token; GPTQ, 3 bits, code length nominal, δ = 1e-06"
    app = open_app(bits="3", code="nominal", delta="1e-06")
    assert subtitles(app)["Bound and its terms over model size"] == words
    app.segmented_control(key="unit").set_value("bits per byte").run()
    words = words.replace("Nats per token", "Bits per byte")
    assert subtitles(app)["Bound and its terms over model size"] == words


def test_several_views_have_their_own(seen_app):
    app = seen_app(beside="quantizer=Round+to+nearest&bits=3", quantizer="GPTQ", bits="4")
    shown = [line for title, line in subtitles(app).items() if title.startswith("Terms of the")]
    assert [line.partition(", code")[0] for line in shown] == [
        "Nats per token; GPTQ, 4 bits",
        "Nats per token; Round to nearest, 3 bits",
    ]


def test_files_have_title_and_subtitle(open_app, monkeypatch):
    charts = record_of(open_app()).charts()
    for part in charts:
        title = chart_files._titled(part)["title"]
        assert title["text"] == chart_files.plain_title(part)
        assert title["subtitle"][0] == part.subtitle
    monkeypatch.setattr(view_file.chart_files, "draw", lambda specs, *_: [b"<svg/>"] * len(specs))
    document = view_file.document(Record("p", parts=[*charts]), "")
    for part in charts:
        assert f'<span class="small">{part.subtitle}</span></figcaption>' in document


def test_a_law_of_the_chart_itself_comes_after_the_subtitle(seen_page):
    first = record_of(seen_page("scaling_laws")).charts()[0]
    assert isinstance(first, Chart)
    lines = chart_files._titled(first)["title"]["subtitle"]
    assert lines[0].startswith("Nats per token")
    assert "N" in lines[1]
