"""The unit of work: one (stage, model, setting), named after everything that produced it."""

from dataclasses import dataclass, field
from typing import Any

from compute.base.digest import digest
from compute.base.setting import Setting


@dataclass(frozen=True, eq=False)
class Unit:
    """What one worker does at a time and a rerun need not do again.

    Attributes:
        stage: one of ``compute.work.stages.STAGES``.
        model_id: unique within the suite.
        setting: None for stages that do not quantize.
        identity: everything that determines the result, as JSON; hashed into ``key``.
        tables: the artifact tables it writes one file each to.
        needs: names of the units whose output it reads.
        variant: what else tells it from others of its stage, for names; empty if nothing does.
        model: the model's description, for the stage's use.
        work_tokens: tokens it runs through the model, for progress and estimates.
        work_unit: what they are if they are no tokens: ``B`` of a download.
        checkpoint: key of the checkpoints that it makes or reads, or None.
        trajectory: key of the checkpoints on the way that it makes or reads, or None.
        coded: key of the coded model that it makes or reads, or None.
        moments: key of what is kept of the inputs of the trained model's layers, or None; whichever
            unit needs it first makes it.
        paired: key of the losses of the unquantized model that it compares its own with, or None;
            whichever unit needs them first takes them.
        makes: which of ``checkpoint``, ``trajectory`` and ``coded`` it puts into the cache.
        reads: which of them it needs there.
        seeds: purpose -> seed, for the provenance.
        early: whether it goes before heavier work, so that there is something to show.
    """

    stage: str
    model_id: str
    setting: Setting | None
    identity: dict
    tables: tuple[str, ...]
    needs: tuple[str, ...] = ()
    variant: str = ""
    model: Any = None
    work_tokens: int = 0
    work_unit: str = "tokens"
    checkpoint: str | None = None
    trajectory: str | None = None
    coded: str | None = None
    moments: str | None = None
    paired: str | None = None
    makes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    seeds: dict[str, int] = field(default_factory=dict)
    early: bool = False

    @property
    def model_label(self) -> str:
        """``model_id`` with the setting."""
        return self.model_id if self.setting is None else f"{self.model_id}--{self.setting.slug}"

    @property
    def label(self) -> str:
        """``model_label`` with the variant, the stem of its file names."""
        return f"{self.model_label}--{self.variant}" if self.variant else self.model_label

    @property
    def name(self) -> str:
        """Unique within a suite, readable: ``measure ladder-29k--rtn-b4``."""
        return f"{self.stage} {self.label}"

    @property
    def key(self) -> str:
        """Digest of what determines the result."""
        return digest({"stage": self.stage, **self.identity})
