"""What the README and its pages say is so: scripts give the app's totals, commands exist."""

import contextlib
import functools
import io
import re
from pathlib import Path

import pytest

import schema
from bounds.printed import upper_text
from dashboard.analysis.bound.terms import CODES, REQUENTIAL, Choice, best_setting, bound_terms
from dashboard.artifacts.manifest import SHIPPED
from dashboard.artifacts.settings import STUDENT, UNQUANTIZED, Setting, columns_of
from dashboard.artifacts.suite import Suite
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
CHECK = (ROOT / "docs/check-by-hand.md").read_text()

#: The setting of the README's table.
OF_TABLE = Setting("gptq", 3)


def scripts() -> list[str]:
    """The blocks of Python: the paper's form, and the geometric one that goes on."""
    blocks = re.findall(r"```python\n(.*?)```", CHECK, re.DOTALL)
    assert len(blocks) == 2
    return blocks


def printed(source: str, names: dict | None = None) -> dict[str, list[float]]:
    """Model to numbers, as the lines print them; ``names`` are those of the block before."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, "check-by-hand.md", "exec"), {} if names is None else names)
    lines = (line.split() for line in output.getvalue().splitlines())
    return {name: [float(number) for number in numbers] for name, *numbers in lines}


def query_of(setting: Setting) -> str:
    """A setting as a condition on the rows of a pandas table."""
    names = [field.name for field in schema.SETTING_FIELDS]
    values = dict(zip(names, columns_of(setting), strict=True))
    # An absent number is NaN there, and differs from itself.
    return " and ".join(
        f"{name} != {name}" if value is None else f"{name} == {value!r}"
        for name, value in values.items()
    )


def paper_script(suite: Path, setting: Setting, code: str, delta: float) -> str:
    """The first block with other values in its first two assignments."""
    source, count = re.subn(
        r"(suite, code, delta = ).*", rf"\g<1>{(str(suite), code, delta)!r}", scripts()[0]
    )
    source, more = re.subn(r"(setting = ).*", rf"\g<1>{query_of(setting)!r}", source)
    assert count == more == 1
    return source


def is_of_all(suite: Suite, setting: Setting) -> bool:
    """Whether every size has a bound at a setting: the scripts ask for them all."""
    return len(bound_terms(suite, Choice(setting, "stored", 0.05))) == len(suite.models())


@pytest.fixture(scope="module")
def shipped() -> Suite:
    """The shipped ladder, which takes a second to read."""
    return Suite(ROOT / "data", SHIPPED)


def test_the_scripts_import_nothing_of_ours_and_are_short():
    for script, lines in zip(scripts(), (19, 9), strict=True):
        imports = re.findall(r"^(?:import|from) (\w+)", script, re.MULTILINE)
        assert set(imports) <= {"numpy", "pandas", "pyarrow"}
        assert len([line for line in script.splitlines() if line.strip()]) <= lines


def test_the_script_reproduces_every_total_of_the_micro_suite(micro_suite):
    suite, checked = Suite(micro_suite / "data", "micro"), 0
    for setting in [s for s in suite.settings() if is_of_all(suite, s)]:
        for code in CODES:
            rows = printed(paper_script(suite.folder, setting, code, 1e-6))
            check_totals(rows, bound_terms(suite, Choice(setting, code, 1e-6, "four_term")))
            checked += len(rows)
    assert checked == 3 * 7 * 3


def check_totals(rows, terms) -> None:
    assert list(rows) == list(terms["model_id"])
    totals = [numbers[-1] for numbers in rows.values()]
    assert totals == pytest.approx(list(terms["total_nats"]), abs=1e-9)


@pytest.fixture(scope="module")
def by_hand(shipped, tmp_path_factory):
    """What both scripts print, run one after the other on the shipped ladder at δ = 0.05."""
    folder = tmp_path_factory.mktemp("by-hand")

    @functools.cache
    def run(setting: Setting) -> tuple[dict, dict]:
        csv, names = folder / f"{setting.slug}.csv", {}
        bound_terms(shipped, Choice(setting, "stored", 0.05)).to_csv(csv, index=False)
        first = printed(paper_script(shipped.folder, setting, "stored", 0.05), names)
        name = '"ladder-mixed-geometric-gptq-b3.csv"'
        source, count = re.subn(name, repr(str(csv)), scripts()[1])
        assert count == 1
        return first, printed(source, names)

    return run


def test_the_scripts_reproduce_every_total_of_the_shipped_ladder(shipped, by_hand):
    """The paper's form, and the geometric one from the page's CSV: at a rate of each kind, as the
    micro suite is checked at all settings."""
    steps = reversed([s for s in shipped.settings() if s.quantizer == "gptq_step"])
    for setting in (OF_TABLE, next(step for step in steps if is_of_all(shipped, step))):
        for rows, form in zip(by_hand(setting), ("four_term", "geometric"), strict=True):
            assert len(rows) == 7
            check_totals(rows, bound_terms(shipped, Choice(setting, "stored", 0.05, form)))


def test_its_table_is_what_the_script_prints(by_hand):
    rows, _ = by_hand(OF_TABLE)
    table = re.findall(r"^\| (ladder-[\w.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", README, re.M)
    assert {name: list(numbers) for name, *numbers in table} == {
        name: [*(f"{loss:.3f}" for loss in losses), upper_text(bound)]
        for name, (*losses, bound) in rows.items()
    }


def test_its_sentence_on_the_gap_is_that_of_the_bounds_themselves(shipped):
    """Each at its best rate, counted from the exact training loss and rounded up."""
    largest = str(shipped.models()["model_id"].iloc[-1])
    choices = (("gptq", "stored", "four_term"), ("gptq_step", "entropy_coded", "geometric"))
    gaps = [
        best_setting(shipped, Choice(UNQUANTIZED, code, 0.05, form), largest, quantizer)[1]
        for quantizer, code, form in choices
    ]
    said = re.search(
        r"a gap between bound and training loss of ([\d.]+) nats per token\s+"
        r"\(GPTQ, stored\)\. With all improvements the gap is ([\d.]+), ([\d.]+)% less",
        README,
    )
    assert said is not None
    less = f"{100 * (1 - gaps[1] / gaps[0]):.1f}"
    assert said.groups() == (upper_text(gaps[0]), upper_text(gaps[1]), less)


def test_its_sentence_on_students_is_that_of_the_bounds_themselves(shipped):
    student = bound_terms(shipped, Choice(STUDENT, REQUENTIAL, 0.05)).iloc[-1]
    papers = Choice(UNQUANTIZED, "stored", 0.05, "four_term")
    gap = best_setting(shipped, papers, student["model_id"], "gptq")[1]
    said = re.search(
        r"For (ladder-\S+), the largest model with a student so far, the paper's form certifies a "
        r"gap of ([\d.]+); that of\s+the student is ([\d.]+), ([\d.]+)% less, at ([\d.]+) bits",
        README,
    )
    assert said is not None
    less = f"{100 * (1 - student['gap_nats'] / gap):.1f}"
    bits = f"{student['code_bits'] / student['params_total']:.2f}"
    ours = upper_text(student["gap_nats"])
    assert said.groups() == (student["model_id"], upper_text(gap), ours, less, bits)


def test_its_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))]
    used = {name for page in pages for name in re.findall(r"`?make ([a-z]+)(?=[ \n`)])", page)}
    assert {"compute", "app", "test"} <= used
    assert used <= targets


def test_every_pinned_package_has_its_line():
    table = (ROOT / "docs/dependencies.md").read_text()
    for file in (
        "requirements.txt",
        "compute/requirements.txt",
        "compute/ray-requirements.txt",
        "tools/results/requirements.txt",
        "tests/check-requirements.txt",
        "tests/project/browser/requirements.txt",
    ):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                assert line.partition("==")[0] in table, line


def test_every_file_that_the_pages_name_exists():
    pages = [ROOT / "README.md", ROOT / "data/README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|md|html))`", page.read_text())
    }
    assert len(named) > 50
    # NAME is a placeholder for a new file.
    missing = {each for each in named if "NAME" not in each[1] and not (ROOT / each[1]).exists()}
    assert not missing


def test_every_link_between_the_pages_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "data/README.md", *(ROOT / "docs").glob("*.md")]:
        for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            other = page.parent / target if target else page
            assert other.exists(), (page, target)
            anchors = re.findall(r"^#+ (.*)$", other.read_text(), re.M) if heading else []
            slugs = {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in anchors}
            assert not heading or heading in slugs, (page, heading)


def test_every_section_that_a_docstring_cites_exists():
    theory = (ROOT / "docs/THEORY.md").read_text()
    sections = set(re.findall(r"^## (\d+)\. ", theory, re.M))
    for room in ("bounds", "compute", "dashboard", "tables", "tools"):
        for module in (ROOT / room).rglob("*.py"):
            source = module.read_text()
            cited = re.findall(r"\bsections? (\d+)(?!\.\d)", source)
            assert set(cited) <= sections, module
