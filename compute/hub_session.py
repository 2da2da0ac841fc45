"""A session on models that others have trained."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from transformers import PreTrainedConfig

from compute import hub, hub_estimate
from compute.check.measured import Measured
from compute.curvature.memory import Memory, gibibytes
from compute.errors import InputError
from compute.needs import SPREAD, memory_of, shortages
from compute.placement import arithmetic, dtype_name
from compute.session import Place, Request, Session, check_quantizers, suite_store, workspace_of
from compute.suites.hub_model import HubModel
from compute.suites.hub_suite import HubSuite, load_hub_suite
from compute.suites.own_model import own_suite
from compute.suites.repeated_weights import Repeats, repeated_weights
from compute.suites.text import DatasetText, FolderText, StreamText, Text
from compute.suites.text_files import SEED, open_text, text_identity
from compute.terminal import console, duration
from compute.unit import Unit, digest
from compute.units.hub import FILE_BYTES, hub_units, without_stages


@dataclass(frozen=True)
class HubSession(Session):
    """Published models, or one of a person's own, on sampled windows of one text.

    Attributes:
        suite: what is measured.
        hours: the longest that the run may take, or None.
        measures: whether units are to be run, so that it matters what the checkpoints are.
    """

    suite: HubSuite
    hours: float | None
    measures: bool = True

    @property
    def models(self) -> tuple[HubModel, ...]:
        """Smallest first."""
        return self.suite.models

    @property
    def about(self) -> list[str]:
        """How checkpoints were chosen, and what the scored text is."""
        text = self.suite.text
        if isinstance(text, StreamText):
            lines = [f"Windows are drawn from the tokens of its training: {text.address}"]
        else:
            lines = [
                f"Windows are drawn from {text.label}, which stands in for the training text: no "
                "bound on it is certified"
            ]
        chains = sum(len(m.chain) for m in self.models if self._wants("chain", m))
        if chains:
            size = sum(
                FILE_BYTES * m.params_total * len(m.chain)
                for m in self.models
                if self._wants("chain", m)
            )
            lines.append(
                f"{chains} earlier checkpoints, about {size / 1e9:,.3g} GB in all, are fetched, "
                "scored and dropped again one by one; --without chain leaves them out"
            )
        for name, found in self._repeats.items():
            lines += [f"In {name} {remark}" for remark in found.remarks]
        lines.append(
            "Times are arithmetic over the speeds that `python -m compute check` measured here"
            if self._checked
            else "Times are arithmetic over the speed of a product of matrices, a rough guess; "
            "`python -m compute check` measures what a model reaches here"
        )
        return [*self.suite.about, *lines]

    @cached_property
    def downloads(self) -> dict[str, int | None]:
        """Bytes of weights still to be fetched, by model; None where the hub cannot be asked."""
        found = {}
        for model in self.models:
            try:
                found[model.model_id] = hub.missing_bytes(model.source)
            except InputError:
                found[model.model_id] = None  # fetching it will say why
        return found

    def columns(self, seconds: Callable[[Unit], float]) -> dict[str, list[str]]:
        """Checkpoint, tokens per parameter, download, memory and time of every model."""
        table: dict[str, list[str]] = {
            name: []
            for name in ("checkpoint", "without embeddings", "D/N", "download", "memory", "time")
        }
        for model in self.models:
            units = [u for u in self.plan.todo if u.model_id == model.model_id]
            needs = [self._memory(unit, model) for unit in units if unit.stage != "curvature"]
            size = self.downloads[model.model_id]
            about = FILE_BYTES * model.params_total
            table["checkpoint"].append(model.source.revision)
            table["without embeddings"].append(f"{model.params_nonembedding:,}")
            table["D/N"].append(f"{model.tokens_per_parameter:.1f}")
            table["download"].append(
                _gigabytes(size) if size is not None else f"~{_gigabytes(about)}"
            )
            table["memory"].append(_both(needs))
            table["time"].append(duration(sum(map(seconds, units))))
        return table

    def config_of(self, model: HubModel) -> PreTrainedConfig:
        """The architecture."""
        return model.config

    def unit_seconds(self, units: list[Unit]) -> Callable[[Unit], float]:
        """Arithmetic over a measured speed; downloads are not counted."""
        device = self.workspace.device
        speeds = self.machines.call(device, hub_estimate.measure_speeds, device, self._checked)
        return hub_estimate.unit_seconds(self._by_id, self._one_card, speeds)

    def gpus(self, unit: Unit) -> float:
        """As many as its model needs."""
        if unit.stage not in SPREAD:
            return 1.0
        needed = self._memory(unit, self._by_id[unit.model_id])[0]
        return float(max(1, -(-needed // self._one_card.usable_device_bytes)))

    def prepared(self) -> Self:
        """With the text ready."""
        with console.status("Having the text ready"):
            windows = open_text(
                self.suite.text, self.models, self.workspace.cache_dir, lambda share: None
            )
        return replace(self, workspace=replace(self.workspace, windows=windows))

    def limited(self) -> Self:
        """Without the units for which memory, disk or time is lacking: they are ``skipped``.

        What is done stays: it may have been measured on a larger machine.
        """
        todo, cards = self.plan.todo, self.machines.memory(self.workspace, all_cards=True)
        out = shortages(todo, self._by_id, self._one_card, cards, self._weight_bytes)
        out |= self._not_what_they_say(todo)
        out |= self._without_disk(todo, out) | self._beyond_hours(todo, out)
        if not out:
            return self
        parts = {part: getattr(self.plan, part) for part in ("units", "todo")}
        left = {part: [u for u in units if u.name not in out] for part, units in parts.items()}
        return replace(self, plan=replace(self.plan, **left), skipped=out)

    @cached_property
    def _checked(self) -> Measured | None:
        """Speeds of this device, if they have been measured."""
        return Measured.load(self.workspace.cache_dir, self.workspace.provenance.device)

    @cached_property
    def _one_card(self) -> Memory:
        return self.machines.memory(self.workspace)

    @cached_property
    def _by_id(self) -> dict[str, HubModel]:
        return {model.model_id: model for model in self.models}

    @property
    def _weight_bytes(self) -> int:
        return arithmetic(self.workspace.device).itemsize

    def _wants(self, stage: str, model: HubModel) -> bool:
        return any(u.stage == stage and u.model_id == model.model_id for u in self.plan.units)

    def _memory(self, unit: Unit, model: HubModel) -> tuple[int, int]:
        return memory_of(unit, model, self.workspace.device, self._weight_bytes)

    @cached_property
    def _repeats(self) -> dict[str, Repeats]:
        """What was found of the models that are still to be measured."""
        todo = {unit.model_id for unit in self.plan.todo} if self.measures else set()
        return {m.model_id: repeated_weights(m) for m in self.models if m.model_id in todo}

    def _not_what_they_say(self, units: list[Unit]) -> dict[str, str]:
        """Models whose weights are those of another checkpoint: nothing of them is measured."""
        reasons = {name: found.reason for name, found in self._repeats.items() if found.reason}
        sources = {model.model_id: model.source for model in self.models}
        return {
            unit.name: f"{sources[unit.model_id]} {reasons[unit.model_id]}: it is not the "
            "checkpoint that it says"
            for unit in units
            if unit.model_id in reasons
        }

    def _without_disk(self, units: list[Unit], out: dict[str, str]) -> dict[str, str]:
        """Models whose weights the disk of the hub's cache has no room for, the largest first."""
        from huggingface_hub import constants

        folder = Path(constants.HF_HUB_CACHE).absolute()
        free = shutil.disk_usage(next(f for f in (folder, *folder.parents) if f.exists())).free
        left = free
        found: dict[str, str] = {}
        for model in self.models:
            mine = [u.name for u in units if u.model_id == model.model_id and u.name not in out]
            if not mine:
                continue
            size = self.downloads[model.model_id]
            size = FILE_BYTES * model.params_total if size is None else size
            if size > left:
                reason = f"needs {_gigabytes(size)} of disk, and {_gigabytes(left)} would be left"
                found |= dict.fromkeys(mine, reason)
            else:
                left -= size
        return found

    def _beyond_hours(self, units: list[Unit], out: dict[str, str]) -> dict[str, str]:
        """Models that would take the run beyond its time, in their order."""
        if self.hours is None:
            return {}
        seconds = self.unit_seconds(units)
        spent, found = 0.0, {}
        for model in self.models:
            mine = [u for u in units if u.model_id == model.model_id and u.name not in out]
            cost = sum(map(seconds, mine)) / self.workers
            if spent + cost > 3600 * self.hours:
                reason = f"the run would take longer than {self.hours:g} hours"
                found |= dict.fromkeys([u.name for u in mine], reason)
            else:
                spent += cost
        return found


def open_preset(place: Place, preset: str) -> HubSession:
    """A suite of ``hub.toml``.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    request = place.request
    _refuse(
        request,
        f"the preset {preset}",
        ("corpus", "dataset", "revision", "train_tokens", "context_length"),
    )
    suite = load_hub_suite(preset, request.hub_file, request.stream, request.shards)
    known = {model.model_id for model in suite.models}
    for name in request.only:
        if name not in known:
            raise InputError(f"There is no model {name!r}; choose from {', '.join(sorted(known))}.")
    whole = suite.models
    if request.only:
        models = tuple(model for model in suite.models if model.model_id in request.only)
        suite = replace(suite, models=models)
    return _opened(place, suite, whole)


def open_model(place: Place) -> HubSession:
    """One model that a person names.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    request = place.request
    if request.preset is not None:
        raise InputError("--preset names a suite and --model a model; give one of them.")
    _refuse(request, "--model", ("only",))
    source = hub.Source(request.model, request.revision or "main", request.gguf)
    text = _text_of(request)
    suite = own_suite(source, request.train_tokens, text, request.context_length, request.hub_file)
    return _opened(place, suite, suite.models)


def _refuse(request: Request, what: str, options: tuple[str, ...]) -> None:
    """Refuse options that would have no effect."""
    for name in options:
        if getattr(request, name):
            option = {"context_length": "context"}.get(name, name).replace("_", "-")
            raise InputError(f"--{option} does not go with {what}; leave it out.")


def _text_of(request: Request) -> Text | None:
    given = [name for name in ("corpus", "dataset", "stream") if getattr(request, name) is not None]
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]} both name a text; give one of them.")
    if request.corpus is not None:
        return FolderText(request.corpus, request.text_field)
    if request.dataset is not None:
        name, _, revision = request.dataset.partition("@")
        return DatasetText(name, revision or "main", field=request.text_field)
    if request.stream is not None:
        return StreamText(request.stream, request.shards or 1, request.stream)
    return None


def _opened(place: Place, suite: HubSuite, whole: tuple[HubModel, ...]) -> HubSession:
    """The session.

    Args:
        whole: the suite's models before some were picked.  Losses of another checkpoint, another
            D or another arithmetic never come to lie in the same folder.
    """
    request = place.request
    check_quantizers(suite.effort.settings)
    text = text_identity(suite.text)
    fingerprint = digest(
        {
            "text": text,
            "models": [[model.model_id, model.identity] for model in whole],
            "arithmetic": dtype_name(arithmetic(place.device)),
        }
    )
    store = suite_store(request, suite.suite, fingerprint)
    units = without_stages(hub_units(suite.models, suite.effort, text), request.without)
    workspace = workspace_of(place, store, fingerprint, None, suite.text.label, SEED)
    with console.status("Counting memory and time"):
        own = {"suite": suite, "hours": request.hours, "measures": request.measures}
        return HubSession.of(place, workspace, units, **own).limited()


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


def _both(needs: list[tuple[int, int]]) -> str:
    """The most on the device, and beside it."""
    if not needs:
        return ""
    device, host = (max(part) for part in zip(*needs, strict=True))
    return f"{gibibytes(device)} + {gibibytes(host)}" if host else gibibytes(device)
