"""Print every banned phrase in the repository's prose; exit status 1 if there is any.

    python -m tools.plain_words [FILE ...]

Without files it reads every Python and Markdown file that git tracks or would add.
"""

import subprocess
import sys
from pathlib import Path

from tools.plain_words.check import complaints


def prose_files() -> list[Path]:
    """Python and Markdown files that exist and that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.md"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := Path(name)).exists()]


def main() -> int:
    """Check the files named on the command line, or all; return the exit status."""
    files = [Path(name) for name in sys.argv[1:]] or prose_files()
    found = [complaint for path in files for complaint in complaints(path)]
    print("\n".join([*found, f"plain words: {len(found)} to mend in {len(files)} files"]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
