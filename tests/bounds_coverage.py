"""A pytest plugin that fails a run if a line of ``bounds`` is not run by its tests.

``pytest -p tests.bounds_coverage tests/bounds``.  Lines outside of functions run when a module is
imported and are not counted.  Only tests of that folder are traced, of their frames only those of
``bounds``, and of each test only the beginning: a long one repeats itself.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "bounds"
TESTS = ROOT / "tests" / "bounds"

#: File, and line of it.
Line = tuple[str, int]

#: Calls of functions of any kind for which a test is traced, half a second's worth.
MOST_CALLS = 1_000_000

_seen: set[Line] = set()
_files: dict[str, bool] = {}
_calls = 0


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Take in the lines that a worker of pytest-xdist has run."""
    _seen.update(map(tuple, getattr(node, "workeroutput", {}).get("bounds_lines", ())))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace a test of ``bounds`` with its fixtures."""
    if TESTS not in item.path.parents:
        return (yield)
    global _calls
    _calls = 0
    before = sys.gettrace()
    sys.settrace(_enter)
    try:
        return (yield)
    finally:
        sys.settrace(before)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Report to the process above, or compare with what there is to run."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["bounds_lines"] = sorted(_seen)
    elif exitstatus == pytest.ExitCode.OK and (missing := sorted(lines_to_run() - _seen)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash[_MISSING] = missing


_MISSING = pytest.StashKey[list[Line]]()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Name the lines that no test runs."""
    by_file: dict[str, list[int]] = {}
    for file, line in config.stash.get(_MISSING, []):
        by_file.setdefault(file, []).append(line)
    for file, lines in by_file.items():
        said = ", ".join(map(str, lines))
        terminalreporter.write_line(f"{file}: no test under tests/bounds runs {said}", red=True)


def lines_to_run() -> set[Line]:
    """Every line inside a function of ``bounds``."""
    found = set()
    for path in MEASURED.rglob("*.py"):
        code = compile(path.read_text(), str(path), "exec")
        found |= {(path.relative_to(ROOT).as_posix(), line) for line in _inside(code)}
    return found


def _inside(code: CodeType) -> set[int]:
    """Lines of the functions in a module, a class or a function."""
    found: set[int] = set()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _inside(constant)
            if constant.co_flags & inspect.CO_OPTIMIZED:  # a function, and not the body of a class
                found |= lines_of(constant)
    return found


def lines_of(code: CodeType) -> set[int]:
    """Lines that a function has, but for that of its ``def``."""
    lines = {line for _, _, line in code.co_lines() if line is not None}
    return lines - {code.co_firstlineno} if len(lines) > 1 else lines


def _enter(frame: FrameType, event: str, _argument: object):
    """Follow a frame if it is of ``bounds``."""
    global _calls
    _calls += 1
    if _calls > MOST_CALLS:
        sys.settrace(None)
        return None
    file = frame.f_code.co_filename
    if file not in _files:
        _files[file] = MEASURED in Path(file).parents
    if not _files[file]:
        return None
    name = Path(file).relative_to(ROOT).as_posix()
    rest = {(name, line) for line in lines_of(frame.f_code)} - _seen
    if not rest:
        return None
    _seen.add((name, frame.f_lineno))

    def follow(frame: FrameType, event: str, _argument: object):
        if event == "line":
            _seen.add((name, frame.f_lineno))
        return follow

    return follow
