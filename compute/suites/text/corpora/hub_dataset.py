"""Training text from a dataset of the Hugging Face hub: some of its files, unchanged."""

import contextlib
import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, get_cached_repo_tree, is_offline_mode, try_to_load_from_cache
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import filter_repo_objects

from compute.base.errors import InputError

#: Where the hub keeps Parquet files that it makes of other formats.
CONVERTED = "refs/convert/parquet"

#: Formats that ``load_corpus`` reads.
TEXT_PATTERNS = ("*.jsonl", "*.jsonl.gz", "*.jsonl.zst", "*.parquet", "*.txt")

#: Words in the path of a file that is not for training, or no text of the dataset.
_OTHER_WORDS = {"test", "tests", "validation", "valid", "val", "dev", "eval", "evaluation"}
_OTHER_WORDS |= {"readme", "license", "requirements", "metadata", "stats", "index"}


class HubUnreachableError(InputError):
    """Nothing is wrong with the input, as far as can be known without the hub."""


@dataclass(frozen=True)
class FetchedDataset:
    """Files of a dataset on this machine.

    Attributes:
        folder: the cached snapshot; it may hold others besides.
        files: those that were asked for, in order.
        commit: revision of the dataset that they are of, for the provenance.
    """

    folder: Path
    files: tuple[Path, ...]
    commit: str


@dataclass(frozen=True)
class _Choice:
    """Files to be had: their sizes in bytes by their path in the dataset, in order."""

    commit: str
    sizes: dict[str, int]


def fetch_dataset(
    name: str,
    revision: str | None = None,
    patterns: Sequence[str] | None = None,
    *,
    enough_bytes: int | None = None,
    cache_dir: Path | None = None,
) -> FetchedDataset:
    """Download whole files, in the order of their paths, until they have ``enough_bytes``.

    What the cache holds is not downloaded again, and an interrupted download goes on where it
    stopped.  Without the hub (``HF_HUB_OFFLINE=1``, or no network) the same files come from the
    cache.

    Args:
        name: for example ``org/name``.
        revision: branch, tag or commit; None for the main branch.
        patterns: of paths (``data/train-*.parquet``); None for what looks like training text, or
            else, of the main branch, for the Parquet files that the hub has made of it.
        enough_bytes: as the files lie, mostly compressed; None for all that match.
        cache_dir: None for that of the hub.

    Raises:
        InputError: there is no such dataset or revision, or no access to it, nothing matches, or
            what is not in the cache cannot be downloaded.
    """
    choice = _choose(name, revision, patterns, enough_bytes, cache_dir)
    with _one_sentence(name, revision):
        folder = HfApi().snapshot_download(
            name,
            repo_type="dataset",
            revision=choice.commit,
            cache_dir=cache_dir,
            allow_patterns=[glob.escape(path) for path in choice.sizes],
        )
    files = tuple(Path(folder, path) for path in choice.sizes)
    return FetchedDataset(Path(folder), files, choice.commit)


def missing_bytes(
    name: str,
    revision: str | None = None,
    patterns: Sequence[str] | None = None,
    *,
    enough_bytes: int | None = None,
    cache_dir: Path | None = None,
) -> int | None:
    """Bytes that ``fetch_dataset`` would download; None if the hub cannot be asked.

    Raises:
        InputError: as ``fetch_dataset``.
    """
    try:
        choice = _choose(name, revision, patterns, enough_bytes, cache_dir)
    except HubUnreachableError:
        return None

    def cached(path: str) -> bool:
        found = try_to_load_from_cache(
            name, path, cache_dir=cache_dir, revision=choice.commit, repo_type="dataset"
        )
        return isinstance(found, str)

    return sum(size for path, size in choice.sizes.items() if not cached(path))


def _choose(
    name: str,
    revision: str | None,
    patterns: Sequence[str] | None,
    enough_bytes: int | None,
    cache_dir: Path | None,
) -> _Choice:
    """The files that ``fetch_dataset`` is to bring.

    Raises:
        InputError: as there.
    """
    with _one_sentence(name, revision):
        commit, sizes = _listing(name, revision, cache_dir)
    chosen = _training_text(sizes) if patterns is None else _matching(sizes, patterns)
    if not chosen and patterns is None and revision is None:  # they are made of the main branch
        with _one_sentence(name, CONVERTED), contextlib.suppress(RevisionNotFoundError):
            commit, sizes = _listing(name, CONVERTED, cache_dir)
            chosen = _training_text(sizes)
    if not chosen:
        wanted = ", ".join(patterns or TEXT_PATTERNS)
        raise InputError(
            f"The dataset {name} has no file that matches {wanted}; name some of its files with "
            "patterns."
        )
    enough, total = {}, 0
    for path in sorted(chosen):
        enough[path] = sizes[path]
        total += sizes[path]
        if enough_bytes is not None and total >= enough_bytes:
            break
    return _Choice(commit, enough)


def _listing(name: str, revision: str | None, cache_dir: Path | None) -> tuple[str, dict[str, int]]:
    """The commit and the sizes of its files, from the cache if they are known there.

    Raises:
        Exception: what ``_one_sentence`` turns into an InputError.
    """
    where = {"repo_type": "dataset", "cache_dir": cache_dir}
    offline = is_offline_mode()
    api = HfApi()
    found = api.resolve_revision(name, revision=revision, local_files_only=offline, **where)
    commit = found.resolved
    try:
        files = get_cached_repo_tree(name, revision=commit, **where)
    except CachedRepoTreeNotFoundError:
        files = None if offline else _asked(api, name, commit)
    if files is None:  # cached by a version that kept no listing: what there is must do
        folder = Path(api.snapshot_download(name, revision=commit, local_files_only=True, **where))
        cached = (file for file in folder.rglob("*") if file.is_file())
        return commit, {f.relative_to(folder).as_posix(): f.stat().st_size for f in cached}
    return commit, {file.path: file.size for file in files}


def _asked(api: HfApi, name: str, commit: str) -> list[RepoFile] | None:
    """What the hub lists, None if there is no connection."""
    try:
        tree = api.list_repo_tree(name, recursive=True, revision=commit, repo_type="dataset")
        return [entry for entry in tree if isinstance(entry, RepoFile)]
    except HfHubHTTPError:
        raise
    except HTTPError:
        return None


def _matching(paths: dict[str, int], patterns: Sequence[str]) -> list[str]:
    return list(filter_repo_objects(paths, allow_patterns=list(patterns)))


def _training_text(paths: dict[str, int]) -> list[str]:
    """Files of known formats that are not named for something else; if some are named for
    training, only these."""
    words = {
        path: {*re.findall("[a-z]+", path.lower())} for path in _matching(paths, TEXT_PATTERNS)
    }
    left = [path for path in words if not words[path] & _OTHER_WORDS]
    return [path for path in left if words[path] & {"train", "training"}] or left


@contextlib.contextmanager
def _one_sentence(name: str, revision: str | None) -> Iterator[None]:
    """Errors of the hub in the words of someone who has asked for a dataset."""
    try:
        yield
    except GatedRepoError:
        raise InputError(
            f"The dataset {name} is gated: ask for access at huggingface.co/datasets/{name}, then "
            "log in with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise InputError(
            f"There is no dataset {name} on the hub, or it is private and you are not logged in."
        ) from None
    except RevisionNotFoundError:
        raise InputError(f"The dataset {name} has no revision {revision}.") from None
    except HFValidationError:
        raise InputError(
            f"{name!r} is not the name of a dataset; give one like 'organization/name'."
        ) from None
    except HfHubHTTPError as error:
        raise HubUnreachableError(
            f"The hub does not give the dataset {name} ({str(error).splitlines()[0]})."
        ) from None
    except (HTTPError, LocalEntryNotFoundError, RevisionResolutionError, ConnectionError):
        why = "HF_HUB_OFFLINE is set" if is_offline_mode() else "the hub cannot be reached"
        raise HubUnreachableError(
            f"The dataset {name} is not in the cache (or not completely), and {why}; download it "
            "while there is a connection."
        ) from None
    except OSError as error:
        raise InputError(f"The dataset {name} cannot be stored: {error}.") from None
