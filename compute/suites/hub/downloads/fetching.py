"""Getting a model's files into the hub's cache."""

import shutil
from pathlib import Path

from huggingface_hub import constants

from compute.base.errors import InputError
from compute.suites.hub import files
from compute.suites.hub.downloads.download import Progress, counter, download
from compute.suites.hub.failures import UnreachableError
from compute.suites.hub.files import RemoteFile
from compute.suites.hub.revisions import cached_snapshot, commit_of, repository_cache
from compute.suites.hub.source import Source, local_folder


def weight_files(source: Source) -> dict[str, int] | None:
    """Names and bytes of the files of weights that ``fetch`` uses, with the index of shards.

    Returns:
        None if the hub cannot be asked and the cache does not hold them all.

    Raises:
        InputError: the hub refuses, or there are no weights.
    """
    folder = local_folder(source)
    if folder is not None and source.gguf is not None:
        return {source.gguf: (folder / source.gguf).stat().st_size}
    if folder is not None:
        return files.folder_weights(folder, f"The folder {source}")
    try:
        commit = commit_of(source)
        listed = files.remote_files(source, commit)
        return {name: listed[name].size for name in _weights(source, commit, listed)}
    except UnreachableError:
        snapshot = _whole_snapshot(source)
        return None if snapshot is None else files.folder_weights(snapshot, str(source))


def missing_bytes(source: Source) -> int | None:
    """Bytes of weights that ``fetch`` would download: 0 if the cache holds them all.

    Content that the cache has of another revision counts as there.

    Returns:
        None if the hub cannot be asked and the cache does not hold them all.

    Raises:
        InputError: the hub refuses, or there are no weights.
    """
    if local_folder(source) is not None:
        weight_files(source)
        return 0
    try:
        commit = commit_of(source)
        listed = files.remote_files(source, commit)
        wanted = {name: listed[name] for name in _weights(source, commit, listed)}
        return sum(file.size for file in _absent(source, commit, wanted).values())
    except UnreachableError:
        return None if _whole_snapshot(source) is None else 0


def fetch(source: Source, progress: Progress | None = None) -> Path:
    """Have the model's files: the configuration, the tokenizer's, and one set of weights.

    A file comes into the cache under its name only when it is complete, so an interrupted
    download goes on with the first file that is not.

    Returns:
        A folder from which transformers loads with ``local_files_only=True``.

    Raises:
        InputError: the hub refuses or cannot be reached, a shard is missing, a file has another
            size than the hub says, or the disk has no room, found before the download starts.
    """
    folder = local_folder(source)
    if folder is not None:
        weight_files(source)
        return folder
    commit = commit_of(source)
    try:
        listed = files.remote_files(source, commit)
    except UnreachableError:
        snapshot = cached_snapshot(source, commit)
        if snapshot is None or not (snapshot / "config.json").is_file():
            raise
        files.folder_weights(snapshot, f"The cached copy of {source}")
        return snapshot
    small = files.matching(listed, (*files.CONFIGURATION, *files.TOKENIZER))
    names = [*small, *_weights(source, commit, listed)]
    wanted = {name: listed[name] for name in names}
    absent = sum(file.size for file in _absent(source, commit, wanted).values())
    _check_room(source, absent)
    bar = counter(progress, absent)
    for name, file in wanted.items():
        path = download(source, commit, name, bar)
        if path.stat().st_size != file.size:
            raise InputError(
                f"{path.resolve()} has {path.stat().st_size:,} bytes, not the {file.size:,} of "
                f"{name} on the hub: delete it and run again."
            )
    return path.parent


def cached_weights(source: Source) -> Path | None:
    """The folder that holds the model's configuration and all its weights, if it is here.

    Raises:
        InputError: the source is a folder without them.
    """
    folder = local_folder(source)
    if folder is None:
        return _whole_snapshot(source)
    files.folder_weights(folder, f"The folder {source}")
    return folder


def _weights(source: Source, commit: str, listed: dict[str, RemoteFile]) -> list[str]:
    """``files.weights_among`` the listed ones; fetches the index of shards."""
    return files.weights_among(listed, str(source), lambda name: download(source, commit, name))


def _absent(source: Source, commit: str, wanted: dict[str, RemoteFile]) -> dict[str, RemoteFile]:
    """Files whose content the cache does not have, from this revision or another."""
    cache = repository_cache(source)
    return {
        name: file
        for name, file in wanted.items()
        if not (cache / "snapshots" / commit / name).exists()
        and not (cache / "blobs" / file.blob).exists()
    }


def _whole_snapshot(source: Source) -> Path | None:
    """The cached folder of the revision if it holds a configuration and all weights."""
    try:
        snapshot = cached_snapshot(source, commit_of(source))
        if snapshot is not None and (snapshot / "config.json").is_file():
            files.folder_weights(snapshot, str(source))
            return snapshot
    except InputError:
        pass
    return None


def _check_room(source: Source, needed: int) -> None:
    cache = Path(constants.HF_HUB_CACHE).absolute()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise InputError(
            f"{source} needs {needed / 1e9:.3g} GB more but the disk of {cache} has "
            f"{free / 1e9:.3g} GB left: make room, or set HF_HOME to a folder on another disk."
        )
