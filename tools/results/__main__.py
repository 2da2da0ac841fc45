"""``python -m tools.results [--data data] [--suite NAME] [--out .] [figure NUMBER]``."""

import argparse
import sys
from pathlib import Path

from dashboard.artifacts.errors import ArtifactError
from tools.results.ladder import open_ladder
from tools.results.report import FIGURE_PARTS, build, build_figure, write


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.results",
        description="Write RESULTS.md and its figures from the Parquet of a suite, or one of the "
        "paper's figures alone.",
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the suites")
    parser.add_argument("--suite", help="name of the suite; the first of the folder if left out")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to")
    parser.add_argument("what", nargs="?", choices=["figure"], help="draw one figure alone")
    parser.add_argument(
        "number", nargs="?", type=int, choices=list(FIGURE_PARTS), help="of the paper's figure"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Build and write the report; a sentence and status 1 if the artifacts do not allow it."""
    options = parser().parse_intermixed_args(arguments)
    if options.what and options.number is None:
        parser().error(f"say which figure: one of {', '.join(map(str, FIGURE_PARTS))}")
    try:
        ladder = open_ladder(options.data, options.suite)
        report = build_figure(ladder, options.number) if options.what else build(ladder)
        written = write(report, options.out)
    except (ArtifactError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not written:
        print(f"The suite {ladder.suite.name} was not measured for figure {options.number}.")
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
