"""Prequential information of one model: the `information` table (section 9)."""

from dataclasses import dataclass

import pyarrow as pa

from bounds import checkpoint_information_nats, prequential_information_nats
from compute.work.stages.stage import Report, Stage
from compute.work.unit import Unit
from compute.work.workspace import Workspace


@dataclass(frozen=True, eq=False, kw_only=True)
class Information(Stage):
    """Prequential information of one model.

    Attributes:
        before: that measured the unquantized model.
        ahead: that scored earlier checkpoints on what came next.
    """

    stage = "information"
    version = 2
    tables = ("information",)
    light = True
    checkpoint = None  # it reads tables alone

    before: Unit
    ahead: Unit

    @property
    def needs(self) -> tuple[str, ...]:
        """All whose tables it reads."""
        return (self.origin.name, self.ahead.name, self.before.name)

    @property
    def identity(self) -> dict:
        """Of both that it follows from."""
        return {**super().identity, self.ahead.stage: self.ahead.identity}

    @property
    def seeds(self) -> dict[str, int]:
        """Of the training, if that was here."""
        return self.origin.seeds

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """K(h) by both methods: from the loss of every batch, and from checkpoints only.

        The first has no quadrature error, as every batch was scored; the second is all there is for
        models that others have trained, and the first shows here how good it is.
        """
        store = workspace.store
        final = store.read("quantized", self.before).column("train_loss_nats")[0].as_py()
        chain = store.read("checkpoint_losses", self.ahead).to_pandas()
        estimate, error = checkpoint_information_nats(
            chain["tokens_seen"],
            chain["loss_nats"] - chain["final_loss_nats"],
            chain["excess_se_nats"],
            self.model.train_tokens,
        )
        found = [("checkpoints", estimate, error)]
        if "online_losses" in self.origin.tables:
            online = store.read("online_losses", self.origin).to_pandas()
            exact = prequential_information_nats(online["tokens_seen"], online["loss_nats"], final)
            found.insert(0, ("online_losses", exact, 0.0))
        rows = [
            {
                "model_id": self.model_id,
                "method": method,
                "k_nats": k_nats,
                "final_loss_nats": final,
                "error_nats": error_nats,
                "certified": False,
            }
            for method, k_nats, error_nats in found
        ]
        return {"information": pa.Table.from_pylist(rows)}
