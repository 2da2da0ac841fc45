"""The whole report: built in memory first, then written completely or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.results.figures import figure_1, figure_2, figure_3, figure_4, figure_5
from tools.results.figures.svg import svg
from tools.results.ladder import Ladder
from tools.results.markdown import FIGURES, Part, paragraphs
from tools.results.sections import (
    gains,
    learning_rate,
    limits,
    loss_law,
    measured,
    on_the_way,
    students,
)

FILE = "RESULTS.md"

#: The paper's figures by their number.
FIGURE_PARTS: dict[int, Callable[[Ladder], Part]] = {
    1: figure_1.part,
    2: figure_2.part,
    3: figure_3.part,
    4: figure_4.part,
    5: figure_5.part,
}


@dataclass(frozen=True)
class Report:
    """Files by their path from the folder of the report."""

    files: dict[str, bytes]

    @property
    def text(self) -> str:
        """RESULTS.md."""
        return self.files[FILE].decode()


def parts(ladder: Ladder) -> list[Part]:
    """Every piece in its order.

    Raises:
        ArtifactError: a file of the suite cannot be used.
    """
    before = [measured.section(ladder), loss_law.section(ladder), learning_rate.section(ladder)]
    figures = [draw(ladder) for draw in FIGURE_PARTS.values()]
    after = [gains.section(ladder), students.section(ladder), on_the_way.section(ladder)]
    findings = [f for part in (*before, *figures, *after) for f in part.findings]
    heading = Part(
        paragraphs(
            "## 4. The paper's five figures on this ladder",
            "Finzi et al., [*Compute-Optimal LLMs Provably Generalize Better With Scale*]"
            "(https://arxiv.org/abs/2504.15208) (ICLR 2025). Each figure is drawn alone by `python "
            f"-m tools.results --suite {ladder.suite.name} figure NUMBER`. Intervals are of the "
            "exponent in $N$, at 95 %: a quantity falls or rises only if the whole interval has "
            "that sign.",
        )
    )
    return [*before, heading, *figures, *after, limits.section(ladder, findings)]


def build(ladder: Ladder) -> Report:
    """Text and figures.

    Raises:
        ArtifactError: a file of the suite cannot be used.
    """
    found = parts(ladder)
    return Report({FILE: text(ladder, found).encode(), **drawn(found)})


def text(ladder: Ladder, found: list[Part]) -> str:
    """RESULTS.md of ``parts``."""
    return paragraphs(_head(ladder), *(part.text for part in found)) + "\n"


def build_figure(ladder: Ladder, number: int) -> Report:
    """The files of one of the paper's figures, without text."""
    return Report(drawn([FIGURE_PARTS[number](ladder)]))


def drawn(found: list[Part]) -> dict[str, bytes]:
    """Charts as files."""
    charts = {name: chart for part in found for name, chart in part.charts.items()}
    return {f"{FIGURES}/{name}.svg": svg(chart) for name, chart in charts.items()}


def _head(ladder: Ladder) -> str:
    name, origin = ladder.suite.name, ladder.suite.provenance
    revisions = ", ".join(f"`{revision}`" for revision in origin("code_revision"))
    several = "s" if len(origin("code_revision")) > 1 else ""
    return paragraphs(
        "# Results",
        f"Computed from `data/{name}` by `make results SUITE={name}`, every number and every "
        "figure. The program chooses the text about an outcome from its interval; do not edit "
        "this file by hand.",
        "Terms are those of [docs/THEORY.md](docs/THEORY.md). **Certified** marks a guarantee; "
        "estimates and laws are marked **not certified** or have an interval. Measurements are "
        f"of the code revision{several} {revisions}, schema "
        f"{', '.join(origin('schema_version'))}.",
    )


def write(report: Report, folder: Path) -> list[Path]:
    """Write every file under another name first, then put all in place.

    Figures in the report's folder that a whole report no longer has are removed.
    """
    waiting = []
    try:
        for name, content in report.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            waiting.append((path.with_name(f"{path.name}.writing"), path))
            waiting[-1][0].write_bytes(content)
    except OSError:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
        raise
    for temporary, path in waiting:
        temporary.replace(path)
    if FILE in report.files:
        for old in (folder / FIGURES).glob("*.svg"):
            if f"{FIGURES}/{old.name}" not in report.files:
                old.unlink()
    return [path for _, path in waiting]
