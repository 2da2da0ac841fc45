"""What the README says is so: its script gives the app's totals, its commands exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from dashboard.artifacts import Suite
from dashboard.terms import CODES, Choice, bound_terms
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def script() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


def printed_rows(
    suite: Path, quantizer: str, bits: int, code: str, delta: float
) -> dict[str, list[float]]:
    """Model to training loss, held-out loss and bound, as the README's lines print them for
    other values in their first assignment."""
    choice = f"{str(suite)!r}, {quantizer!r}, {bits}, {code!r}, {delta!r}"
    source, count = re.subn(
        r"(suite, quantizer, bits, code, delta = ).*", rf"\g<1>{choice}", script()
    )
    assert count == 1
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, "README.md", "exec"), {})
    lines = (line.split() for line in output.getvalue().splitlines())
    return {name: [float(number) for number in numbers] for name, *numbers in lines}


def assert_totals_agree(data: Path, name: str, deltas) -> int:
    suite, checked = Suite(data, name), 0
    for setting in suite.settings():
        for code in CODES:
            for delta in deltas:
                terms = bound_terms(suite, Choice(setting, code, delta))
                rows = printed_rows(data / name, setting.quantizer, setting.bits, code, delta)
                assert list(rows) == list(terms["model_id"])
                totals = [numbers[-1] for numbers in rows.values()]
                assert totals == pytest.approx(list(terms["total_nats"]), abs=1e-9)
                checked += len(totals)
    return checked


def test_the_script_imports_nothing_of_ours_and_is_short():
    imports = re.findall(r"^(?:import|from) (\w+)", script(), re.MULTILINE)
    assert set(imports) <= {"numpy", "pandas", "pyarrow"}
    assert len([line for line in script().splitlines() if line.strip()]) <= 18


def test_the_script_reproduces_every_total_of_a_fresh_run(micro_run):
    assert assert_totals_agree(micro_run / "data", "micro", (1e-12, 0.05, 0.5)) == 36


def test_the_script_reproduces_every_total_of_the_shipped_ladder():
    assert assert_totals_agree(ROOT / "data", "ladder", (0.05,)) == 60


def test_its_table_is_what_the_script_prints():
    rows = printed_rows(ROOT / "data/ladder", "rtn", 4, "stored", 0.05)
    table = re.findall(r"^\| (ladder-\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", README, re.M)
    assert {name: list(numbers) for name, *numbers in table} == {
        name: [f"{number:.3f}" for number in numbers] for name, numbers in rows.items()
    }


def test_its_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"make ([a-z]+)(?=[ \n`)])", README)) - {"alone"}
    assert {"compute", "app", "test"} <= used
    assert used <= targets


def test_every_pinned_package_has_its_line():
    table = README.partition("## Dependencies")[2]
    for file in ("requirements.txt", "compute/requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                assert line.partition("==")[0] in table, line
