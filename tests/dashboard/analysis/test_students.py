"""The requential student on the pages: its bound is that of its files, certified in one form."""

import json
import math
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from bounds import TokenLosses, chosen_geometric_bound
from bounds.codes.requential import requential_bits
from dashboard.analysis.bound.steps import STUDENTS_STEP, steps_to_ours
from dashboard.analysis.bound.terms import (
    CODES,
    OFFERED,
    REQUENTIAL,
    Choice,
    best_setting,
    bound_terms,
    codes_of,
    training_losses,
    why_not_certified,
)
from dashboard.analysis.measured import information, students
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import STUDENT, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.inequalities import FORMS
from dashboard.ui.beside.pinned_view import on_page
from dashboard.ui.beside.view import View, live, nearest_view
from dashboard.views.information import student_section
from tests.data.micro_suite import PUBLISHED

pytestmark = pytest.mark.slow

GPTQ = Choice(Setting("gptq", 4), "stored", 0.05)
CHOICE = GPTQ.with_code(REQUENTIAL)
NAME = "ladder-12k"


def rows_of(table):
    rows = pq.read_table(PUBLISHED / table).to_pandas()
    return rows[rows["model_id"] == NAME]


def without_students(data):
    for table in ("students", "student_blocks"):
        for file in data.glob(f"micro/{table}/*.parquet"):
            file.unlink()
    return Suite(data, "micro")


def test_the_bound_is_the_one_from_the_files(suite):
    cells = rows_of("loss_histograms").query("split == 'student'")
    blocks = rows_of("student_blocks")
    ratios = blocks["log_ratio_nats"].to_numpy()
    bits = requential_bits(ratios, int(blocks["tokens"].sum()), recipes=2**64)
    tokens = int(cells["tokens"].sum())
    expected = chosen_geometric_bound(
        training_losses(suite)[NAME],
        TokenLosses(*(cells[key].to_numpy() for key in ("loss_nats", "entropy_nats", "tokens"))),
        code_bits=bits,
        train_tokens=tokens,
        vocab_size=256,
        failure_probability=0.05,
    )
    row = bound_terms(suite, CHOICE).set_index("model_id").loc[NAME]
    assert row["code_bits"] == bits
    assert row["total_nats"] == pytest.approx(expected.total_nats, rel=1e-9)
    assert row["certified"]
    assert row["train_tokens"] == tokens
    student = rows_of("students").iloc[0]
    excess = student["train_loss_nats"] - training_losses(suite)[NAME]
    assert row["quantization_gap_nats"] == pytest.approx(excess, abs=1e-12)
    assert row["measured_heldout_loss_nats"] == student["heldout_loss_nats"]


@pytest.mark.parametrize("form", [form.key for form in FORMS])
def test_only_the_form_that_pays_for_its_choices_is_certified(suite, form):
    reason = why_not_certified(suite, replace(CHOICE, form=form), None)
    assert (reason is None) == (form == "geometric")
    assert why_not_certified(suite, replace(GPTQ, form=form), None) is None


def test_code_and_setting_belong_together(suite):
    assert CHOICE.setting == STUDENT
    assert GPTQ.at(STUDENT) == CHOICE
    assert CHOICE.at(GPTQ.setting).setting == GPTQ.setting
    assert STUDENT.label == "requential student"
    assert STUDENT not in suite.settings()


def test_a_suite_without_students_offers_no_such_code(suite, data_copy):
    assert codes_of(suite) == (*CODES, REQUENTIAL)
    bare = without_students(data_copy)
    assert codes_of(bare) == tuple(CODES)
    assert bound_terms(bare, CHOICE).empty
    assert students.course(bare, NAME).empty
    with pytest.raises(ArtifactError, match=r"no students.*trained beside its teacher"):
        nearest_view(live(suite, CHOICE), bare)
    assert nearest_view(live(suite, GPTQ), bare).choice == GPTQ


def test_the_course_ends_at_the_students_bits(suite, monkeypatch):
    monkeypatch.setattr(students, "COURSE_POINTS", 7)
    course, blocks = students.course(suite, NAME), rows_of("student_blocks")
    bits = rows_of("students")["requential_bits"].item()
    assert len(course) <= 8
    assert course["bits"].iloc[-1] == pytest.approx(bits, abs=1)
    assert course["bits_per_parameter"].iloc[-1] == pytest.approx(bits / 11_504, rel=1e-3)
    assert course["tokens"].iloc[-1] == blocks["tokens"].sum()
    tokens = np.diff(course["tokens"], prepend=0)
    paid = (course["student_loss_nats"] - course["teacher_loss_nats"]) * tokens
    np.testing.assert_allclose(paid.sum() / math.log(2), course["bits"].iloc[-1])


def test_information_has_its_law_and_what_others_report(suite):
    codes = information.by_code(suite, GPTQ.setting)
    rows = codes[codes["code"] == REQUENTIAL]
    assert rows["certified"].all()
    lengths = bound_terms(suite, CHOICE).set_index("model_id")["code_bits"]
    assert dict(zip(rows["model_id"], rows["total_bits"], strict=True)) == lengths.to_dict()
    assert REQUENTIAL not in information.crossings(information.code_laws(codes, "total_bits"))
    reported = information.reported(suite, 3e9, "bits_per_parameter")
    theirs = reported[reported["law"].str.startswith("Qiu")]
    assert theirs["params_total"].between(65e6, 1e9).all()
    assert theirs["value"].between(1.25, 1.92).all()
    assert theirs["value"].is_monotonic_decreasing


def test_the_page_explains_the_student(open_app):
    app = open_app(code="requential")
    assert not app.exception
    assert "requential student" in app.markdown[1].value + app.markdown[0].value
    captions = " ".join(caption.value for caption in app.caption)
    assert "The requential code belongs to the student" in captions
    app.switch_page("pages/information.py").run()
    assert not app.exception
    words = " ".join(part.value for part in (*app.markdown, *app.caption, *app.subheader))
    assert "A student that never sees the text" in words
    bits = rows_of("students")["requential_bits"].item()
    assert f"The student took {bits:,} bits" in words.replace(f"{bits - 1:,}", f"{bits:,}")


def test_a_suite_of_published_models_says_that_it_needs_training(open_app, data_copy):
    without_students(data_copy)
    app = open_app(data_copy)
    app.switch_page("pages/information.py").run()
    assert not app.exception
    assert any("trained beside its teacher" in part.value for part in app.info)
    assert "requential" not in app.segmented_control(key="code").options


def test_its_charts_are_right_by_the_schema(suite):
    from dashboard.analysis.bound.losses import Losses
    from dashboard.analysis.bound.units import BITS

    course = Losses.of(suite, students.course(suite, NAME), BITS, NAME).table
    for chart in (student_section.taken(course), student_section.losses(course, BITS)):
        assert "layer" in json.loads(json.dumps(chart.to_dict(validate=True)))


@pytest.mark.parametrize("code", ["stored", "nominal", "requential"])
def test_no_step_to_ours_is_certified_that_is_not_by_itself(suite, code):
    choice = GPTQ.with_code(code)
    steps = steps_to_ours(suite, choice, NAME)
    assert list(steps["certified"]) == [code != "nominal"] * (len(steps) - 1) + [True]
    assert steps["step"].iloc[-1] == STUDENTS_STEP
    if code == "requential":  # the files come first, so only the student pays a student's bits
        stored = replace(GPTQ, form="geometric")
        assert steps["gap_nats"].iloc[3] == best_setting(suite, stored, NAME)[1]


def test_the_bits_of_a_student_buy_nothing_else(suite):
    assert CHOICE.at(GPTQ.setting).code == "entropy_coded"
    for mixed in (replace(CHOICE, setting=GPTQ.setting), replace(GPTQ, setting=STUDENT)):
        with pytest.raises(ValueError, match="does not belong to"):
            bound_terms(suite, mixed)


def test_a_pinned_view_keeps_the_students_code_where_there_are_students(suite, data_copy):
    said = {"code": "stored"}
    pinned = on_page(View(suite, GPTQ, said=said), suite, {"code": "requential"}, OFFERED)
    assert (pinned.choice, pinned.note) == (CHOICE, "")
    bare = without_students(data_copy)
    pinned = on_page(View(bare, GPTQ, said=said), bare, {"code": "requential"}, OFFERED)
    assert pinned.choice.code == "stored"
    assert "does not show the pinned code requential" in pinned.note
