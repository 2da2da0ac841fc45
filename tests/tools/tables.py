"""Tables of a Markdown text as rows of strings."""


def table_after(text: str, heading: str) -> list[dict[str, str]]:
    """Rows of the first table behind ``heading``, by the names of its columns."""
    lines = iter(text[text.index(heading) :].splitlines())
    header = next(cells(line) for line in lines if line.startswith("|"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(header, cells(line), strict=True)))
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def value(cell: str) -> float:
    """The number that a cell begins with."""
    return float(cell.replace("−", "-").replace("<br>", " ").split()[0].rstrip("%"))
