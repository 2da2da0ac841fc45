"""The unit of work: one (stage, model, setting), named after everything that produced it."""

from dataclasses import dataclass
from typing import ClassVar

from compute.base.digest import digest
from compute.base.setting import Setting
from compute.suites.model import Model


@dataclass(frozen=True, eq=False, kw_only=True)
class Unit:
    """What one worker does at a time and a rerun need not do again.

    Every stage is a subclass, whose fields say what is to be done.  A class variable that depends
    on them is a property there.

    Attributes:
        stage: name of the stage.
        version: raised when a change of the code changes the stage's numbers, so that files
            written before are known to be stale.
        tables: the artifact tables it writes one file each to.
        makes: which of ``checkpoint``, ``trajectory`` and ``coded`` it puts into the cache.
        reads: which of them it needs there.
        early: whether it goes before heavier work, so that there is something to show.
        variant: what else tells it from others of its stage, for names; empty if nothing does.
        work_tokens: tokens it runs through the model, for progress and estimates.
        work_unit: what they are if they are no tokens: ``B`` of a download.
        draws: purpose -> seed of what it draws at random.
        model: what it is done to.
        before: unit whose output it works on; None for the first of a model.
        setting: None for stages that do not quantize.
        text: what determines the windows, as JSON, where the identity of ``before`` does not.
    """

    stage: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[tuple[str, ...]] = ()
    makes: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    early: ClassVar[bool] = False
    variant: ClassVar[str] = ""
    work_tokens: ClassVar[int] = 0
    work_unit: ClassVar[str] = "tokens"
    draws: ClassVar[dict[str, int]] = {}

    model: Model
    before: "Unit | None" = None
    setting: Setting | None = None
    text: dict | None = None

    @property
    def model_id(self) -> str:
        """Unique within the suite."""
        return self.model.model_id

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
    def identity(self) -> dict:
        """Everything that determines the result, as JSON; a stage adds what its fields say."""
        earlier = self.before.identity if self.before else {}
        return {**earlier, **({"text": self.text} if self.text else {}), self.stage: self.version}

    @property
    def key(self) -> str:
        """Digest of what determines the result."""
        return digest({"stage": self.stage, **self.identity})

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the units whose output it reads."""
        return (*self.before.needs, self.before.name) if self.before else ()

    @property
    def origin(self) -> "Unit":
        """The unit that makes the checkpoint."""
        return self.before.origin if self.before else self

    @property
    def seeds(self) -> dict[str, int]:
        """Purpose -> seed, for the provenance."""
        return {**(self.before.seeds if self.before else {}), **self.draws}

    @property
    def checkpoint(self) -> str | None:
        """Key of the checkpoint that it makes or reads."""
        return self.before.checkpoint if self.before else None

    @property
    def trajectory(self) -> str | None:
        """Key of the checkpoints on the way that it makes or reads."""
        return self.before.trajectory if self.before else None

    @property
    def coded(self) -> str | None:
        """Key of the coded model that it makes or reads."""
        return self.before.coded if self.before else None
