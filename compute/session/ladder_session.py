"""A session on models that the project trains itself."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from compute.session import estimate
from compute.session.place import Place, check_quantizers, picked, suite_store, workspace_of
from compute.session.session import Session
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.ladder_suite import Ladder, load_ladder
from compute.suites.text.corpora.corpus import Corpus, load_corpus
from compute.suites.text.windows.tiling import tile
from compute.work.left_out import without_stages
from compute.work.stages import LADDER
from compute.work.stages.units.ladder import (
    check_corpus_size,
    ladder_units,
    suite_fingerprint,
)
from compute.work.unit import Unit


@dataclass(frozen=True)
class LadderSession(Session):
    """Models of a preset of the ladder, on one corpus."""

    ladder: Ladder
    corpus: Corpus

    @property
    def models(self) -> tuple[LadderModel, ...]:
        """The models, smallest first; one of each name, if a sweep has several rates."""
        return tuple({model.model_id: model for model in self.ladder.models}.values())

    @property
    def about(self) -> list[str]:
        """Notes on the corpus."""
        training, heldout = len(self.corpus.training), len(self.corpus.heldout)
        lines = [f"{training:,} training and {heldout:,} held-out documents"]
        if self.corpus.skipped:
            lines.append(f"{self.corpus.skipped} file(s) are not UTF-8 text and were left out")
        return lines

    def columns(self, seconds: Callable[[Unit], float]) -> dict[str, list[str]]:
        """Optimizer steps and learning rates."""
        rates: dict[str, list[str]] = defaultdict(list)
        for model in self.ladder.models:
            rates[model.model_id].append(f"{model.learning_rate:g}")
        return {
            "steps": [f"{model.steps:,}" for model in self.models],
            "peak rate": [", ".join(rates[model.model_id]) for model in self.models],
        }

    def unit_seconds(self, units: list[Unit]) -> Callable[[Unit], float]:
        """Times from a few training steps and one evaluation of each model that has work to do."""
        busy = {unit.model_id for unit in units if unit.work_tokens}
        models = [model for model in self.models if model.model_id in busy]
        device = self.workspace.device
        speeds = self.machines.call(device, estimate.measure_speeds, models, device)
        return estimate.unit_seconds(speeds)


def open_ladder(place: Place, preset: str) -> LadderSession:
    """Check everything that can be checked before long work begins.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    request = place.request
    ladder = load_ladder(preset, request.ladder_file)
    check_quantizers(m.setting for m in ladder.measurements)
    chosen = replace(ladder, models=picked(ladder.models, request.only))
    corpus = load_corpus(
        request.corpus,
        ladder.heldout_bytes,
        ladder.corpus_seed,
        field=request.text_field or "text",
    )
    files = tile(
        corpus,
        ladder.context_length,
        ladder.corpus_seed,
        request.cache_dir,
        ladder.heldout_windows,
    )
    windows = files.open()
    check_corpus_size(chosen, windows, corpus.name)
    fingerprint = suite_fingerprint(ladder, corpus.fingerprint)
    store = suite_store(request, ladder.suite, fingerprint)
    workspace = workspace_of(place, store, fingerprint, files, corpus.name, ladder.corpus_seed)
    units = ladder_units(chosen, fingerprint, windows.heldout_documents.size)
    units = without_stages(units, request.without, LADDER)
    return LadderSession.of(place, workspace, units, ladder=chosen, corpus=corpus).limited()
