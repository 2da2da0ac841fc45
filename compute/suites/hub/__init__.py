"""Models of the Hugging Face hub: what they are, their files, and whether these are whole.

The hub's own variables hold: ``HF_HOME``, ``HF_HUB_CACHE``, ``HF_HUB_OFFLINE``, ``HF_ENDPOINT``
and ``HF_TOKEN``.  Every failure is an ``InputError``.
"""

from compute.suites.hub.downloads.fetching import fetch, missing_bytes, weight_files
from compute.suites.hub.downloads.forgetting import forget
from compute.suites.hub.downloads.verification import verify
from compute.suites.hub.failures import UnreachableError
from compute.suites.hub.gguf import Declared, declared, decoded_model
from compute.suites.hub.parameter_counts import parameter_counts_of
from compute.suites.hub.reading import config_of, tokenizer_of
from compute.suites.hub.revisions import commit_of
from compute.suites.hub.source import Source
from compute.suites.hub.weights.ends import with_true_ends
from compute.suites.hub.weights.hashes import hub_answers, weight_hashes

__all__ = [
    "Declared",
    "Source",
    "UnreachableError",
    "commit_of",
    "config_of",
    "declared",
    "decoded_model",
    "fetch",
    "forget",
    "hub_answers",
    "missing_bytes",
    "parameter_counts_of",
    "tokenizer_of",
    "verify",
    "weight_files",
    "weight_hashes",
    "with_true_ends",
]
