"""Failures of the hub, each as one sentence that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, is_offline_mode
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
    XetDownloadError,
)
from huggingface_hub.utils import httpx

from compute.base.errors import InputError
from compute.suites.hub.source import Source

LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


class UnreachableError(InputError):
    """The hub cannot be asked, so that only the cache is available."""


@contextmanager
def explained(source: Source) -> Iterator[None]:
    """Turn an error of ``huggingface_hub`` into a sentence about ``source``.

    Raises:
        UnreachableError: offline, no network, or the hub is down; and the cache does not help.
        InputError: the hub or the disk refuses.
    """
    try:
        yield
    except InputError:
        raise
    except (HfHubHTTPError, HFValidationError, httpx.HTTPError) as error:
        raise _answered(source, error) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, RevisionResolutionError) as error:
        # Some of these wrap the refusal that was the true reason.
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _answered(source, cause) from error
        raise _unreachable(source, cause or error) from error
    except EntryNotFoundError as error:
        raise InputError(f"{source} lacks a file: {_first_line(error)}.") from error
    except (XetDownloadError, RuntimeError) as error:
        raise _stopped(source, error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError(
                f"The disk of {constants.HF_HUB_CACHE} is full: make room or set HF_HOME to a "
                "folder on another disk, and run again."
            ) from error
        raise _stopped(source, error) from error


def _answered(source: Source, error: Exception) -> InputError:
    """For an answer of the hub that is a refusal, or none at all."""
    if isinstance(error, HFValidationError):
        return InputError(f"{source.name!r} is not the name of a model on the hub (ORG/NAME).")
    if isinstance(error, GatedRepoError):
        return InputError(
            f"The model {source.name} is gated: accept its conditions at "
            f"{constants.ENDPOINT}/{source.name}, then {LOG_IN}."
        )
    if isinstance(error, RepositoryNotFoundError) or _not_shown(error):
        return InputError(
            f"There is no model {source.name} at {constants.ENDPOINT}, or it is private: check "
            f"the name, or {LOG_IN} if you have access to it."
        )
    if isinstance(error, RevisionNotFoundError):
        return InputError(
            f"The model {source.name} has no revision {source.revision!r}: see its branches at "
            f"{constants.ENDPOINT}/{source.name}/tree/main."
        )
    if isinstance(error, RemoteEntryNotFoundError):
        missing = str(error.response.request.url).rpartition("/")[2]
        return InputError(f"{source} has no {missing}: it is not a model that transformers loads.")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return InputError(f"The hub does not accept the token for {source.name}: {LOG_IN}.")
        if status == 403:
            return InputError(
                f"The hub refuses {source.name} to this account: ask its owner for access, or "
                f"{LOG_IN} with a token that may read it."
            )
        if status < 500 and status != 429:
            return InputError(f"The hub answers {status} to a request for {source}.")
    return _unreachable(source, error)


def _not_shown(error: Exception) -> bool:
    """The hub's answer to anonymous access: it does not tell whether the model exists."""
    if not isinstance(error, HfHubHTTPError) or error.response.status_code != 401:
        return False
    return "Invalid credentials" not in error.response.headers.get("X-Error-Message", "")


def _unreachable(source: Source, error: BaseException) -> UnreachableError:
    lacking = f"not all of {source} is in the cache {constants.HF_HUB_CACHE}"
    if is_offline_mode():
        return UnreachableError(
            f"HF_HUB_OFFLINE is set and {lacking}: unset it, or put the files there."
        )
    return UnreachableError(
        f"The hub {constants.ENDPOINT} cannot be reached ({_first_line(error)}) and {lacking}: "
        "check the connection and run again."
    )


def _stopped(source: Source, error: Exception) -> InputError:
    return InputError(
        f"The download of {source} stopped ({_first_line(error)}): run again, files that are "
        "complete are kept."
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
