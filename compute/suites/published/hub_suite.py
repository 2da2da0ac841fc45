"""Suites of published models, from ``hub.toml``."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import GPT2Config, GPTNeoXConfig, PreTrainedConfig

from compute.base.errors import InputError
from compute.suites.checkpoints import nearest_saved_step, pythia_steps
from compute.suites.hub import Source
from compute.suites.measurements import points_of, settings_of
from compute.suites.published.effort import Effort
from compute.suites.published.hub_model import HubModel
from compute.suites.text.origins import DatasetText, StreamText, Text

FILE = Path(__file__).parents[1] / "hub.toml"


@dataclass(frozen=True)
class HubSuite:
    """Models whose losses are measured on sampled windows of one text.

    Attributes:
        suite: default name of its folder under ``data/``.
        models: smallest first.
        text: source of the windows.
        effort: how much is measured.
        about: notes for the plan, a sentence each.
    """

    suite: str
    models: tuple[HubModel, ...]
    text: Text
    effort: Effort
    about: tuple[str, ...] = ()


def hub_presets(file: Path | None = None) -> tuple[str, ...]:
    """Names of the presets."""
    return tuple(_content(file or FILE)["presets"])


def load_hub_suite(
    preset: str, file: Path | None = None, stream: str | None = None, shards: int | None = None
) -> HubSuite:
    """One preset.

    Args:
        preset: its name, one of ``hub_presets``.
        file: laid out as ``hub.toml`` is; None for that.
        stream: another address of the token files, such as a mirror.
        shards: files that these are divided into, if not as many as the preset's.

    Raises:
        InputError: the file is not valid.
    """
    file = file or FILE
    content = _content(file)
    if preset not in content["presets"]:
        raise InputError(
            f"There is no preset {preset!r} of published models; choose one of "
            f"{', '.join(content['presets'])}."
        )
    with _valid(f"The preset {preset!r} of {file}"):
        chosen = content["presets"][preset]
        family = content["families"][chosen["family"]]
        if stream is not None and "stream" not in family:
            raise InputError(
                f"--stream does not go with the preset {preset}, whose text is the dataset "
                f"{family['dataset']}; leave it out."
            )
        text = _text(family, stream, shards)
        models = [_of_text(_model(row, family, chosen), text) for row in family["models"]]
        return HubSuite(
            suite=chosen["suite"],
            models=tuple(sorted(models, key=lambda model: model.params_total)),
            text=text,
            effort=effort_of(content["effort"][chosen.get("effort", "full")]),
            about=tuple(_about(family, chosen, models)),
        )


def load_effort(name: str = "full", file: Path = FILE) -> Effort:
    """One of the efforts of the file, for models outside of its suites.

    Raises:
        InputError: the file is not valid.
    """
    content = _content(file)
    with _valid(f"The effort {name!r} of {file}"):
        return effort_of(content["effort"][name])


def family_of(repo: str, file: Path = FILE) -> str | None:
    """The family that a repository of the hub is listed in, or None.

    Raises:
        InputError: the file is not valid.
    """
    families = _content(file)["families"]
    with _valid(f"The file of suites {file}"):
        return next((n for n, f in families.items() if repo in _repos(f)), None)


def family_model(
    source: Source,
    train_tokens: int,
    stream: StreamText | None = None,
    file: Path = FILE,
    context_length: int | None = None,
) -> tuple[HubModel, Text]:
    """One listed model at any revision, with the text of its family, or its tokens from elsewhere.

    Raises:
        InputError: the revision is a training step, or the end of the training, and D is not what
            was trained on by then, D does not fill one window, or windows are to be of another
            length than those of its training.
    """
    repo, revision = source.name, source.revision
    content = _content(file)
    family = content["families"][family_of(repo, file)]
    row = next(row for row in family["models"] if row["repo"] == repo)
    if context_length not in (None, family["context_length"]):
        raise InputError(
            f"{repo} was trained on windows of {family['context_length']} tokens, not of "
            f"{context_length}; leave --context out."
        )
    text = stream or _text(family)
    if revision == "main" and "total_steps" in family:
        revision = f"step{family['total_steps']}"
    step = revision.removeprefix("step")
    step_tokens = family.get("batch_windows", 0) * family["context_length"]
    if not (step_tokens and revision.startswith("step") and step.isdecimal()):
        check_train_tokens(train_tokens, family["context_length"])
        return _of_text(_named(row, family, revision, train_tokens), text), text
    if int(step) * step_tokens != train_tokens:
        raise InputError(
            f"{repo} at {revision} was trained on {int(step) * step_tokens:,} tokens, not on "
            f"{train_tokens:,}; give --train-tokens {int(step) * step_tokens}."
        )
    return _of_text(_at_step(row, family, int(step)), text), text


def check_train_tokens(train_tokens: int, context_length: int) -> None:
    """Refuse a D that does not fill one window.

    Raises:
        InputError: it does not.
    """
    if train_tokens < context_length:
        raise InputError(
            f"--train-tokens {train_tokens} does not fill one window of {context_length} tokens; "
            "D counts every token that the model was trained on."
        )


def effort_of(row: dict[str, Any]) -> Effort:
    """One table ``effort.NAME`` of the file."""
    numbers = {k: v for k, v in row.items() if k not in ("measurements", "curvature")}
    return Effort(
        **numbers,
        settings=tuple(s for r in row["measurements"] for s in settings_of(r)),
        curvature=tuple(p for r in row.get("curvature", ()) for p in points_of(r)),
    )


def _content(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The file of suites {file} cannot be read: {error}.") from None
    for table in ("presets", "families", "effort"):
        if not isinstance(content.get(table), dict):
            raise InputError(f"The file of suites {file} has no table {table!r}.")
    return content


@contextmanager
def _valid(what: str) -> Iterator[None]:
    """Say of ``what`` that it is not valid, where something is missing in it or wrong."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{what} is not valid: {error}.") from None


def _repos(family: dict) -> set[str]:
    return {row["repo"] for row in family["models"]}


def _model(row: dict, family: dict, preset: dict) -> HubModel:
    if "train_tokens" in row:
        return _named(row, family, row.get("revision", "main"), row["train_tokens"])
    return _at_step(row, family, frontier_step(row, family, preset["count"]))


def frontier_step(row: dict, family: dict, count: str) -> int:
    """The kept step nearest, on a logarithmic scale, to D = tokens_per_parameter * N.

    Args:
        count: ``total`` or ``nonembedding``: which N.
    """
    step_tokens = family["batch_windows"] * family["context_length"]
    wanted = family["tokens_per_parameter"] * row[f"params_{count}"] / step_tokens
    return nearest_saved_step(wanted, family["total_steps"])


def _at_step(row: dict, family: dict, step: int) -> HubModel:
    chain = tuple((s, Source(row["repo"], f"step{s}")) for s in pythia_steps(step))
    tokens = step * family["batch_windows"] * family["context_length"]
    return _named(row, family, f"step{step}", tokens, chain, _remark(step, family))


def _named(
    row: dict,
    family: dict,
    revision: str,
    train_tokens: int,
    chain: tuple = (),
    remark: str | None = None,
) -> HubModel:
    stand_in = None if "stream" in family else _text(family).label
    return HubModel(
        model_id=row["repo"].rpartition("/")[2].lower(),
        source=Source(row["repo"], revision),
        train_tokens=train_tokens,
        context_length=family["context_length"],
        vocab_size=family["vocab_size"],
        params_embedding=row["params_total"] - row["params_nonembedding"],
        params_nonembedding=row["params_nonembedding"],
        config=_CONFIGS[family["architecture"]](family | row),
        corpus=family["corpus"],
        stand_in=stand_in,
        remark=remark,
        batch_windows=family.get("batch_windows"),
        final=_final(row, family),
        chain=chain,
        window_begin=family.get("window_begin"),
    )


def _final(row: dict, family: dict) -> Source | None:
    """The last checkpoint by its step, where all of a training are kept."""
    return Source(row["repo"], f"step{family['total_steps']}") if "total_steps" in family else None


def _remark(step: int, family: dict) -> str | None:
    """Where in the learning-rate schedule a checkpoint lies that was not trained to its end."""
    place = f"step {step:,} of {family['total_steps']:,}"
    if step <= family["warmup_steps"]:
        return f"taken inside the learning-rate warm-up ({place})"
    if step < family["total_steps"] / 2:
        return f"taken with most of its learning-rate decay ahead ({place})"
    return None


def _about(family: dict, preset: dict, models: list[HubModel]) -> Iterator[str]:
    """Which step each model is taken at, and which it would be with the other count of N."""
    if "count" not in preset:
        return
    other = {"total": "nonembedding", "nonembedding": "total"}[preset["count"]]
    words = {"total": "all parameters", "nonembedding": "parameters without embeddings"}
    there = [
        f"{m.model_id} {frontier_step(row, family, other):,}"
        for row, m in zip(family["models"], models, strict=True)
    ]
    yield (
        f"Checkpoints nearest to {family['tokens_per_parameter']} tokens per parameter, counting "
        f"{words[preset['count']]}. Counting {words[other]} the steps would be: {', '.join(there)}"
    )


def _text(family: dict, stream: str | None = None, shards: int | None = None) -> Text:
    """The text of a family; another address of its tokens replaces the family's own."""
    if "stream" in family:
        own = stream in (None, family["stream"])
        label = family["corpus"] if own else stream
        return StreamText(stream or family["stream"], shards or family["shards"], label)
    return DatasetText(
        family["dataset"], family["dataset_revision"], tuple(family["dataset_files"])
    )


def _of_text(model: HubModel, text: Text) -> HubModel:
    return replace(model, corpus=text.label) if isinstance(text, StreamText) else model


def _gpt_neox(row: dict) -> PreTrainedConfig:
    return GPTNeoXConfig(
        vocab_size=row["padded_vocab_size"],
        hidden_size=row["hidden_size"],
        num_hidden_layers=row["layers"],
        num_attention_heads=row["heads"],
        intermediate_size=4 * row["hidden_size"],
        max_position_embeddings=row["context_length"],
    )


def _gpt2(row: dict) -> PreTrainedConfig:
    return GPT2Config(
        vocab_size=row["padded_vocab_size"],
        n_positions=row["context_length"],
        n_embd=row["hidden_size"],
        n_layer=row["layers"],
        n_head=row["heads"],
        bos_token_id=None,
        eos_token_id=None,
    )


_CONFIGS = {"gpt_neox": _gpt_neox, "gpt2": _gpt2}
