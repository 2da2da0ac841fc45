"""The part of the page *Artifacts* that leads from a number to its equation and its files."""

from dashboard import show as shown
from dashboard.artifact_controls import NumberChoice
from dashboard.artifacts import Suite
from dashboard.escaping import escaped
from dashboard.navigation import title_of
from dashboard.number_paths import PATHS, source_files


def show(suite: Suite, choice: NumberChoice) -> None:
    """One number's equation, function, columns and files, then all equations.

    Raises:
        ArtifactError: a file is damaged.
    """
    path, model_id = choice.path, choice.model_id
    found = source_files(suite, path, model_id, choice.setting)
    shown.markdown(f"**{path.label}**, of {escaped(model_id)}")
    shown.latex(path.formula)
    how = f"computed by {_code(path.function)}" if path.function else "stored as it was measured"
    shown.markdown(
        f"Section {path.section} of docs/THEORY.md, {how}, from "
        f"{', '.join(f'`{source}`' for source in path.sources)}."
    )
    if found.empty:
        shown.info("This suite holds none of these for this model.", icon=":material/inbox:")
    else:
        columns = ["file", "setting", "rows", "code_revision", "unit_key"]
        shown.dataframe(found[columns], "Files", placeholder="–")
    shown.markdown("**All numbers**")
    lines = ["| number | equation | section | function | pages |", "|---|---|--:|---|---|"]
    lines += [
        f"| {other.label} | ${other.formula}$ | {other.section} "
        f"| {_code(other.function) if other.function else 'as measured'} "
        f"| {', '.join(title_of(name) for name in other.pages)} |"
        for other in PATHS
    ]
    shown.markdown("\n".join(lines))
    shown.caption(
        "Bound terms and laws are not stored: they are computed from the files when someone looks."
    )


def _code(function: str) -> str:
    return f"`{function}`"
