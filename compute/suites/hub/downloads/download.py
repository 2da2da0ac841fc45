"""One file of the hub into its cache, with the bytes of all files counted."""

from collections.abc import Callable
from pathlib import Path

from huggingface_hub import hf_hub_download
from tqdm import tqdm

from compute.suites.hub.failures import explained
from compute.suites.hub.source import Source

#: Called with (bytes received, bytes in total) during a download.
Progress = Callable[[int, int], None]


def counter(progress: Progress | None = None, total: int = 0) -> type[tqdm]:
    """A progress bar's class that draws nothing: its bars together tell ``progress``."""
    had = 0

    class Counter(tqdm):
        """The bar of one file."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options | {"disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal had
            had += int(n or 0)
            if progress is not None:
                progress(min(had, total), total)

        def update_transfer(self, n: float | None = 1) -> None:
            """Ignore bytes on the wire, which the hub's chunked storage also counts."""

        def set_transfer_postfix_str(self, *arguments, **options) -> None:
            """Ignore the rate."""

    return Counter


def download(source: Source, commit: str, name: str, bar: type[tqdm] | None = None) -> Path:
    """The file in the cache's folder of that commit; asks the hub only if it is not there.

    Raises:
        InputError: it cannot be had.
    """
    with explained(source):
        path = hf_hub_download(source.name, name, revision=commit, tqdm_class=bar or counter())
    return Path(path)
