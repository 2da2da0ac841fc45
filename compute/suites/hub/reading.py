"""A model's configuration and tokenizer, without its weights."""

import json
from pathlib import Path

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto import configuration_auto, modeling_auto

from compute.base.errors import InputError
from compute.suites.hub import files, gguf
from compute.suites.hub.downloads.download import download
from compute.suites.hub.failures import UnreachableError
from compute.suites.hub.revisions import cached_snapshot, commit_of
from compute.suites.hub.source import Source, local_folder

#: Models that transformers lists as causal, but whose every position sees the later ones.
SEES_AHEAD = {"xlnet", "xlm", "cpmant"}


def config_of(source: Source) -> PreTrainedConfig:
    """The configuration; fetches ``config.json`` and nothing else.

    Raises:
        InputError: it cannot be had, is no causal language model's, or needs code of its
            repository's own.
    """
    folder = local_folder(source)
    if source.gguf is not None:
        config = gguf.config_of(folder / source.gguf)
        _check_causal(source, config)
        return config
    if folder is None:
        path = download(source, commit_of(source), "config.json")
    else:
        path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        model_type = raw["model_type"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{path.resolve()} is no configuration of a model with a model_type: delete it and run "
            "again, or name another model."
        ) from None
    if model_type not in configuration_auto.CONFIG_MAPPING_NAMES:
        own = "is defined by code in its repository, which is not run here"
        unknown = f"is of type {model_type!r}, which this transformers does not know"
        raise InputError(
            f"{source} {own if 'auto_map' in raw else unknown}: name a model whose architecture "
            "transformers has itself."
        )
    try:
        config = AutoConfig.from_pretrained(
            path.parent, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, TypeError, OSError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"The configuration {path.resolve()} is refused: {reason}") from error
    _check_causal(source, config)
    return config


def tokenizer_of(source: Source) -> PreTrainedTokenizerBase:
    """The tokenizer; fetches its files and ``config.json``, no weights.

    Raises:
        InputError: it cannot be had, there is none, or it needs code of its repository's own.
    """
    folder = local_folder(source) or _tokenizer_snapshot(source)
    if source.gguf is not None:
        return gguf.tokenizer_of(folder / source.gguf)
    if not files.matching(files.folder_files(folder), files.TOKENIZER):
        raise InputError(f"{source} holds no tokenizer: name a model that comes with one.")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, TypeError, OSError, KeyError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"The tokenizer of {source} cannot be loaded: {reason}") from error
    except Exception as error:
        raise InputError(
            f"The tokenizer of {source} in {folder} is damaged ({error}): delete its files and run "
            "again."
        ) from error


def _check_causal(source: Source, config: PreTrainedConfig) -> None:
    """Refuse what does not predict each token from those before it alone.

    A position that sees its own target would make every bound too small.
    """
    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type)
    named = config.architectures or [causal]
    both_ways = config.model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    base = None if both_ways else modeling_auto.MODEL_MAPPING_NAMES.get(config.model_type)
    reason = None
    if causal is None:
        reason = f"type {config.model_type!r}"
    elif config.is_encoder_decoder:
        reason = "it has an encoder"
    elif config.model_type in SEES_AHEAD or (
        both_ways and not getattr(config, "is_decoder", False)
    ):
        reason = f"type {config.model_type!r}, whose positions see later ones"
    elif not {causal, base} & set(named):
        # Some causal models are published under the name of their trunk, such as GPT2Model.
        reason = f"architecture {named[0]}"
    if reason is not None:
        raise InputError(
            f"{source} is no causal language model ({reason}): name one that predicts each token "
            "from those before it."
        )


def _tokenizer_snapshot(source: Source) -> Path:
    commit = commit_of(source)
    try:
        listed = files.remote_files(source, commit)
    except UnreachableError:
        snapshot = cached_snapshot(source, commit)
        if snapshot is None or not files.matching(files.folder_files(snapshot), files.TOKENIZER):
            raise
        return snapshot
    for name in ("config.json", *files.matching(listed, files.TOKENIZER)):
        path = download(source, commit, name)
    return path.parent
