"""The whole pipeline on a device, and a comparison of its tables with those of the CPU."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from compute.check import tiny
from compute.check.row import Row, at_most
from compute.session.opening import open_session
from compute.session.request import Request
from compute.session.session import Session
from compute.work.machines.executor import Finished

PART = "pipeline"

#: Nominal training tokens of the tiny models.
_TRAIN_TOKENS = 100_000

_EFFORT = """
[presets]
[families]
[effort.full]
train_draws = 64
selection_draws = 16
heldout_draws = 16
positions = 16
calibration_windows = 32
chain_windows = 2
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "gptq", bits = 4 },
  { quantizer = "gptq_step", step = 1.0 },
]
curvature = [
  { windows = 4, probes = 2, steps = 10, tests = 3 },
  { matrix = "gauss_newton", windows = 4, probes = 2, steps = 10, tests = 3 },
]
"""

_LADDER = """
[presets.check]
suite = "check"
context_length = 64
tokens_per_parameter = 20
heldout_bytes = 16384
corpus_seed = 1
calibration_windows = 32
train_arithmetic = "bfloat16"
models = [
  { hidden_size = 8, layers = 1, heads = 1, learning_rate = 0.03, batch_windows = 1, seed = 0 },
]
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "gptq", bits = 4 },
]
curvature = [ { windows = 4, probes = 2, steps = 10, tests = 3 } ]
"""

#: Table, column, tolerance and unit of each comparison.  Losses of published models are in bfloat16
#: on a GPU; a ladder's training in bfloat16 differs between kinds of processors.
_COMPARED = (
    ("quantized", "train_loss_nats", 0.03, "nats"),
    ("quantized", "entropy_coded_bits", 0.01, "of the CPU's"),
    ("layers", "proxy_loss", 0.1, "of the CPU's"),
    ("curvature", "value", 0.05, "of the CPU's"),
)

#: Largest difference of the loss of a model trained on the device from one trained on the CPU.
_TRAINED_NATS = 0.1

_ADVICE = "run `python -m compute run` on one model and read the error of the unit that failed"


def rows(device: str) -> Iterator[Row]:
    """Run a ladder of one model, and three given models, on the device and on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        _write_inputs(base)
        requests = {"ladder": {"preset": "check", "ladder_file": base / "ladder.toml"}} | {
            name: {"model": (str(base / name),), "hub_file": base / "hub.toml"}
            | {"train_tokens": (_TRAIN_TOKENS,)}
            for name in tiny.models()
        }
        for name, wanted in requests.items():
            there = _run(base, name, device, wanted)
            yield there[0]
            if device != "cpu" and there[0].ok:
                yield from _compared(name, there[1], _run(base, name, "cpu", wanted)[1])


def _write_inputs(base: Path) -> None:
    text = base / "text"
    text.mkdir()
    for number, content in enumerate(tiny.texts()):
        (text / f"{number}.txt").write_text(content, encoding="utf-8")
    (base / "hub.toml").write_text(_EFFORT)
    (base / "ladder.toml").write_text(_LADDER)
    for name, model in tiny.models().items():
        model.save_pretrained(base / name)
        tiny.tokenizer().save_pretrained(base / name)


def _run(base: Path, name: str, device: str, wanted: dict) -> tuple[Row, Path]:
    """The end of the run, and the folder of its tables."""
    place = device.replace(":", "-")
    request = Request(
        **{"preset": None, "corpus": base / "text", "suite": name, **wanted},
        data_dir=base / f"data-{place}",
        cache_dir=base / f"cache-{place}",
        device=device,
        workers=1,
    )
    session = open_session(request)
    total = len(session.plan.units) + len(session.skipped)
    errors = session.skipped | _carry_out(session)
    found = f"{total - len(errors)} of {total} units end well"
    if errors:
        unit, error = next(iter(errors.items()))
        found += f"; {unit}: {error}"
    folder = session.workspace.store.folder
    what = f"{name}: every stage on {device}"
    return Row(PART, what, found, "all", not errors, _ADVICE if errors else ""), folder


def _carry_out(session: Session) -> dict[str, str]:
    """Name -> error of the units that did not end well."""
    todo = session.plan.todo
    errors = {unit.name: "a unit that it needs has failed" for unit in todo}
    session = session.prepared()
    events = session.machines.run_units(todo, session.workspace, 1, lambda _: 1.0, session.gpus)
    with closing(session.machines), closing(events):
        for event in events:
            if isinstance(event, Finished):
                errors[event.unit.name] = event.error
    return {name: error for name, error in errors.items() if error is not None}


def _compared(name: str, there: Path, here: Path) -> Iterator[Row]:
    """The largest difference of each column between two runs of the same units."""
    for table, column, tolerance, unit in _COMPARED:
        pairs = list(_pairs(table, column, there, here))
        if not pairs:
            continue
        relative = unit != "nats"
        if name == "ladder":
            if column != "train_loss_nats":
                continue
            tolerance = _TRAINED_NATS
        worst = max(abs(a - b) / (max(abs(b), 1e-12) if relative else 1.0) for a, b in pairs)
        yield at_most(PART, f"{name}: {table}.{column}", worst, tolerance, unit, _ADVICE)


def _pairs(table: str, column: str, there: Path, here: Path) -> Iterator[tuple[float, float]]:
    """The column's values of rows with the same meaning."""
    found = [_values(folder, table, column) for folder in (there, here)]
    for key in found[0].keys() & found[1].keys():
        yield found[0][key], found[1][key]


#: Columns that identify a row.
_KEYS = ("quantizer", "bits", "step", "layer", "matrix", "quantity", "method", "probe", "steps")


def _values(folder: Path, table: str, column: str) -> dict[str, float]:
    values = {}
    for file in sorted((folder / table).glob("*.parquet")):
        for row in pq.read_table(file).to_pylist():
            # Traces of the root and of negative parts depend on eigenvalues that are not resolved.
            if row.get("quantity", "trace") == "trace":
                key = json.dumps({name: row[name] for name in _KEYS if name in row})
                values[key] = row[column]
    return values
