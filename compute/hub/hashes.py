"""Hashes of a model's files of weights, without reading or fetching them."""

from pathlib import Path

from compute.errors import InputError
from compute.hub import files
from compute.hub.source import Source, cached_snapshot, commit_of, local_folder


def weight_hashes(source: Source) -> frozenset[str] | None:
    """What the hub calls the contents of the files of weights, shard by shard.

    Where a revision holds them in two formats it is those of the format that is loaded.

    Returns:
        None for a folder, where there are none, or where neither the hub nor the cache tells.
    """
    try:
        if local_folder(source) is not None:
            return None
        return _listed(source) or _cached(source)
    except InputError:  # fetching it will say why
        return _cached(source)


def _listed(source: Source) -> frozenset[str]:
    found = files.remote_files(source, source.revision)
    return _of_one_format({name: file.blob for name, file in found.items()})


def _cached(source: Source) -> frozenset[str] | None:
    """From the names that the cache gives to contents."""
    try:
        snapshot = cached_snapshot(source, commit_of(source))
    except InputError:
        return None
    links = [] if snapshot is None else [p for p in snapshot.iterdir() if p.is_symlink()]
    return _of_one_format({p.name: Path(p.readlink()).name for p in links}) or None


def _of_one_format(blobs: dict[str, str]) -> frozenset[str]:
    for patterns in files.WEIGHT_PATTERNS:
        names = files.matching(blobs, (patterns,))
        if names:
            return frozenset(blobs[name] for name in names)
    return frozenset()
