"""The part of the page *Artifacts* from a number to its equation and its files."""

from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show
from dashboard.ui.page.navigation import title_of
from dashboard.views.artifacts.controls import NumberChoice
from dashboard.views.artifacts.number_paths import PATHS, source_files


def draw(suite: Suite, choice: NumberChoice) -> None:
    """One number's equation, function, columns and files, then all equations.

    Raises:
        ArtifactError: a file is damaged.
    """
    path, model_id = choice.path, choice.model_id
    found = source_files(suite, path, model_id, choice.setting)
    show.markdown(f"**{path.label}**, of {escaped(model_id)}")
    show.latex(path.formula)
    how = f"computed by {_code(path.function)}" if path.function else "stored as it was measured"
    show.markdown(
        f"Section {path.section} of docs/THEORY.md, {how}, from "
        f"{', '.join(f'`{source}`' for source in path.sources)}."
    )
    if found.empty:
        show.info("This suite has no such files for this model.", icon=":material/inbox:")
    else:
        columns = ["file", "setting", "rows", "code_revision", "unit_key"]
        show.dataframe(found[columns], "Files")
    show.markdown("**All numbers**")
    lines = ["| number | equation | section | function | pages |", "|---|---|--:|---|---|"]
    lines += [
        f"| {other.label} | ${other.formula}$ | {other.section} "
        f"| {_code(other.function) if other.function else 'as measured'} "
        f"| {', '.join(title_of(name) for name in other.pages)} |"
        for other in PATHS
    ]
    show.markdown("\n".join(lines))
    show.caption(
        "Bound terms and laws are not stored: they are computed from the files on every visit."
    )


def _code(function: str) -> str:
    return f"`{function}`"
