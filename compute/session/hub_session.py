"""A session on published models."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from compute.base.bars import one_bar
from compute.base.digest import digest
from compute.base.errors import InputError
from compute.base.memory import Memory, gibibytes
from compute.base.terminal import console, duration
from compute.models.placement import arithmetic, dtype_name
from compute.session import estimate, hub_estimate
from compute.session.place import Place, check_quantizers, picked, suite_store, workspace_of
from compute.session.request import Request
from compute.session.session import Offer, Session
from compute.session.smaller_effort import NIGHT_SECONDS, smaller_requests
from compute.suites import hub
from compute.suites.measurements import settings_named
from compute.suites.published.effort import Effort
from compute.suites.published.hub_model import HubModel
from compute.suites.published.hub_suite import HubSuite, load_hub_suite
from compute.suites.published.named_models import named_suite
from compute.suites.published.repeated_weights import Repeats, repeated_weights
from compute.suites.text.opening import Tokenizing, open_text, text_identity, tokenizing_of
from compute.suites.text.origins import SEED, DatasetText, FolderText, StreamText, Text
from compute.work.left_out import shortages, without_stages
from compute.work.machines.measured import Measured
from compute.work.stages import PUBLISHED
from compute.work.stages.published.fetch import FILE_BYTES
from compute.work.stages.stage import Stage
from compute.work.stages.units.hub import hub_units
from compute.work.unit import Unit
from compute.work.workspace import Workspace


@dataclass(frozen=True)
class HubSession(Session):
    """Published models, or a user's own, on sampled windows of one text.

    Attributes:
        suite: the models, text and effort.
    """

    suite: HubSuite

    @property
    def models(self) -> tuple[HubModel, ...]:
        """The models, smallest first."""
        return self.suite.models

    @property
    def about(self) -> list[str]:
        """How checkpoints were chosen, and the scored text."""
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
                f"{chains} earlier checkpoints, about {size / 1e9:,.3g} GB in total, are "
                "downloaded, scored and deleted one by one, and left out where they share weights "
                "with another; --without chain leaves all of them out"
            )
        for name, found in self._repeats.items():
            lines += [f"In {name} {remark}" for remark in found.remarks]
        if self.plan.todo and self.tokenizing.bytes:
            size, spent = self.tokenizing.bytes, self.tokenizing.seconds
            about = f": about {duration(spent)}" if spent else ""
            lines.append(f"Up to {size / 1e6:,.3g} MB of text are tokenized first, once{about}")
        lines.append(
            "Times are computed from the speeds that `python -m compute check` measured here"
            if self._checked
            else "Times are computed from the speed of a matrix product, a rough guess; `python "
            "-m compute check` measures the speed of a model here"
        )
        return [*self.suite.about, *lines]

    @cached_property
    def downloads(self) -> dict[str, int | None]:
        """Bytes of weights to download, by model; None if the hub cannot be asked."""
        found = {}
        for model in self.models:
            try:
                found[model.model_id] = hub.missing_bytes(model.source)
            except InputError:
                found[model.model_id] = None  # the download will say why
        return found

    def columns(self, seconds: Callable[[Unit], float]) -> dict[str, list[str]]:
        """Checkpoint, tokens per parameter, download, memory and time of every model."""
        table: dict[str, list[str]] = {
            name: []
            for name in ("checkpoint", "without embeddings", "D/N", "download", "memory", "time")
        }
        for model in self.models:
            units = [u for u in self.plan.todo if u.model_id == model.model_id]
            needs = [found for unit in units if (found := self._memory(unit)) is not None]
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

    def unit_seconds(self, units: list[Unit]) -> Callable[[Unit], float]:
        """Seconds of a unit from its arithmetic and a measured speed; downloads are not counted."""
        device = self.workspace.device
        speeds = self.machines.call(device, hub_estimate.measure_speeds, device, self._checked)
        return hub_estimate.unit_seconds(self._one_card, speeds)

    def gpus(self, unit: Stage) -> float:
        """As many as its model needs."""
        if not unit.spread:
            return 1.0
        needed, _ = self._memory(unit)
        return float(max(1, -(-needed // self._one_card.usable_device_bytes)))

    def prepared(self) -> Self:
        """The session with the text ready."""
        text, cache_dir = self.suite.text, self.workspace.cache_dir
        if isinstance(text, StreamText):
            windows = open_text(text, self.models, cache_dir, lambda share: None)
        else:
            with one_bar(f"Tokenizing {text.label}") as report:
                windows = open_text(text, self.models, cache_dir, report)
        return replace(self, workspace=replace(self.workspace, windows=windows))

    @cached_property
    def tokenizing(self) -> Tokenizing:
        """The part of the text that is still to be tokenized."""
        return tokenizing_of(self.suite.text, self.models, self.workspace.cache_dir)

    @property
    def preparation_seconds(self) -> float:
        """Expected seconds of tokenizing the text."""
        return (self.tokenizing.seconds or 0.0) if self.plan.todo else 0.0

    def smaller(self, seconds: Callable[[Unit], float]) -> Offer | None:
        """The largest smaller effort that takes a night, or the smallest there is.

        Of several models the larger ones are left out.
        """
        found = None
        done = {unit.key for unit in self.plan.done}
        before, text = self.preparation_seconds, text_identity(self.suite.text)
        for request in smaller_requests(self.request):
            effort = effort_of(request, self.suite.effort)
            units = hub_units(self.models, effort, text)
            units = without_stages(units, request.without, PUBLISHED)
            units = [u for u in units if u.key not in done and u.name not in self.skipped]
            wall = before + estimate.wall_seconds(units, seconds, self.workers)
            found = Offer(request, wall)
            if wall <= NIGHT_SECONDS:
                return found
        if found is None or len(self.models) == 1:
            return found
        hours = NIGHT_SECONDS / 3600
        return Offer(replace(found.request, hours=hours), min(found.seconds, NIGHT_SECONDS))

    def shortages(self, units: list[Unit]) -> dict[str, str]:
        """Units for which memory or disk is lacking."""
        out = self._without_memory(units, self.workspace)
        if out and self.workers > 1:
            alone = self._without_memory(units, replace(self.workspace, workers=1))
            out = {n: r if n in alone else r + self.shared_memory for n, r in out.items()}
        out |= self._not_what_they_say(units)
        return out | self._without_disk(units, out)

    def _without_memory(self, units: list[Unit], workspace: Workspace) -> dict[str, str]:
        one, cards = (self.machines.memory(workspace, all_cards=a) for a in (False, True))
        return shortages(units, one, cards, self._weight_bytes, self._alone)

    @cached_property
    def _checked(self) -> Measured | None:
        """Speeds of this device, if they have been measured."""
        return Measured.load(self.workspace.cache_dir, self.workspace.provenance.device)

    @cached_property
    def _one_card(self) -> Memory:
        return self.machines.memory(self.workspace)

    @cached_property
    def _alone(self) -> Memory | None:
        """Memory of a CPU for a unit that runs alone: workers wait for one another."""
        if self.workspace.device.startswith("cuda"):
            return None
        return self.machines.memory(replace(self.workspace, workers=1))

    @property
    def _weight_bytes(self) -> int:
        return arithmetic(self.workspace.device).itemsize

    def _wants(self, stage: str, model: HubModel) -> bool:
        return any(u.stage == stage and u.model_id == model.model_id for u in self.plan.units)

    def _memory(self, unit: Stage) -> tuple[int, int] | None:
        return unit.memory(self.workspace.device, self._weight_bytes)

    @cached_property
    def _repeats(self) -> dict[str, Repeats]:
        """Comparisons of the weights of models that are still to be measured."""
        todo = {unit.model_id for unit in self.plan.todo} if self.request.measures else set()
        return {m.model_id: repeated_weights(m) for m in self.models if m.model_id in todo}

    def _not_what_they_say(self, units: list[Unit]) -> dict[str, str]:
        """Models with the weights of another checkpoint: they are not measured."""
        reasons = {name: found.holds for name, found in self._repeats.items() if found.holds}
        sources = {model.model_id: model.source for model in self.models}
        return {
            unit.name: f"{sources[unit.model_id]} holds {reasons[unit.model_id]}: it is not the "
            "checkpoint of its name"
            for unit in units
            if unit.model_id in reasons
        }

    def _without_disk(self, units: list[Unit], out: dict[str, str]) -> dict[str, str]:
        """Models whose weights do not fit on the disk of the hub's cache, the largest first."""
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
                reason = f"needs {_gigabytes(size)} of disk, but would have {_gigabytes(left)}"
                found |= dict.fromkeys(mine, reason)
            else:
                left -= size
        return found


def open_preset(place: Place, preset: str) -> HubSession:
    """A suite of ``hub.toml``.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    request = place.request
    suite = load_hub_suite(preset, request.hub_file, request.stream, request.shards)
    whole = suite.models
    suite = replace(suite, models=picked(suite.models, request.only))
    return _opened(place, suite, whole)


def open_model(place: Place) -> HubSession:
    """The suite of models that a user names.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    request = place.request
    suite = named_suite(
        request.model,
        request.revision,
        request.train_tokens,
        _text_of(request),
        request.context_length,
        request.hub_file,
        request.gguf,
    )
    return _opened(place, suite, suite.models)


def _text_of(request: Request) -> Text | None:
    given = [name for name in ("corpus", "dataset", "stream") if getattr(request, name) is not None]
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]} both name a text; give one of them.")
    if request.corpus is not None:
        return FolderText(request.corpus, request.text_field or "text")
    if request.dataset is not None:
        name, _, revision = request.dataset.partition("@")
        return DatasetText(name, revision or "main", field=request.text_field or "text")
    if request.stream is not None:
        return StreamText(request.stream, request.shards or 1, request.stream)
    return None


def _opened(place: Place, suite: HubSuite, whole: tuple[HubModel, ...]) -> HubSession:
    """The session.

    Args:
        whole: the suite's models before a selection.  Losses of another checkpoint, another
            D or another arithmetic never go into the same folder.
    """
    request = place.request
    suite = replace(suite, effort=effort_of(request, suite.effort))
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
    units = hub_units(suite.models, suite.effort, text)
    units = without_stages(units, request.without, PUBLISHED)
    workspace = workspace_of(place, store, fingerprint, None, suite.text.label, SEED)
    with console.status("Counting memory and time"):
        return HubSession.of(place, workspace, units, suite=suite).limited()


def effort_of(request: Request, usual: Effort) -> Effort:
    """The requested effort, with defaults for the rest.

    Raises:
        InputError: a number is too small, or a quantizer has no such setting.
    """
    return usual.changed(
        settings=settings_named(request.quantizers) if request.quantizers else (),
        windows=request.windows,
        positions=request.positions,
        calibration=request.calibration,
    )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


def _both(needs: list[tuple[int, int]]) -> str:
    """The peak memory on the device and of the computer."""
    if not needs:
        return ""
    device, host = (max(part) for part in zip(*needs, strict=True))
    return f"{gibibytes(device)} + {gibibytes(host)}" if host else gibibytes(device)
