"""The command line of the batch stage."""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from compute.errors import InputError

app = typer.Typer(
    help="Train and measure the models whose generalization bounds the app shows.\n\n"
    "Results go to Parquet files under data/, one file per finished unit of work. Interrupt a "
    "run at any moment and start it again: nothing that is finished is done twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Preset = Annotated[
    str, typer.Option(help="Which ladder of models: tiny (under a minute) or small.")
]
CorpusPath = Annotated[
    Path | None,
    typer.Option(
        "--corpus",
        help="Folder of text files or of *.jsonl.zst shards.",
        show_default="this Python's standard library",
    ),
]
DataDir = Annotated[Path, typer.Option("--data", help="Folder of the artifacts.")]
CacheDir = Annotated[Path, typer.Option("--cache", help="Folder of checkpoints and token windows.")]
SuiteName = Annotated[
    str | None,
    typer.Option("--suite", help="Folder under --data.", show_default="named by the preset"),
]
Device = Annotated[
    str | None, typer.Option(help="Torch device.", show_default="cuda where there is one")
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes that work side by side, each on one thread.",
        show_default="one per core, one on a GPU",
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Try units again that failed before.")
]
LadderFile = Annotated[
    Path | None,
    typer.Option(
        "--ladder",
        help="Another file of presets, laid out like compute/suites/ladder.toml.",
        show_default="compute/suites/ladder.toml",
    ),
]

Executor = Annotated[
    str, typer.Option(help="Where units run: local (processes of this machine) or ray.")
]
Address = Annotated[
    str | None,
    typer.Option(
        help="With --executor ray: host:port of a cluster's head, or auto on one of its machines.",
        show_default="this machine alone",
    ),
]

_DATA, _CACHE = Path("data"), Path(".cache")


@app.command()
def plan(
    preset: Preset = "small",
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    ladder: LadderFile = None,
    shapes: Annotated[
        str | None,
        typer.Option(help="Instead: what the curvature of published models would take: pythia."),
    ] = None,
    gpu_memory: Annotated[float, typer.Option(help="With --shapes: GB of the GPU.")] = 80.0,
    host_memory: Annotated[float, typer.Option(help="With --shapes: GB beside it.")] = 128.0,
    teraflops: Annotated[
        float, typer.Option(help="With --shapes: sustained float32 speed to assume.")
    ] = 20.0,
) -> None:
    """Say what a run would do and how long it would take, and measure nothing."""
    if shapes is not None:
        from compute.curvature_plan import plan_shapes

        plan_shapes(shapes, gpu_memory, host_memory, teraflops)
        return
    from compute import run as runs
    from compute.session import Request, open_session

    session = open_session(
        Request(preset, corpus, data, cache, suite, device, workers, retry_failed, ladder)
    )
    runs.estimate_and_show(session)


@app.command()
def run(
    preset: Preset = "small",
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    ladder: LadderFile = None,
    executor: Executor = "local",
    address: Address = None,
) -> None:
    """Train and measure every model of the preset that is not there yet."""
    from compute import run as runs
    from compute.session import Request, open_session

    request = Request(preset, corpus, data, cache, suite, device, workers, retry_failed, ladder)
    session = open_session(replace(request, executor=executor, address=address))
    with closing(session.machines):
        raise typer.Exit(runs.run(session))


@app.command()
def status(
    preset: Preset = "small",
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    ladder: LadderFile = None,
) -> None:
    """List the units that are done, missing or failed."""
    from compute.console import show_status
    from compute.session import Request, open_session

    show_status(open_session(Request(preset, corpus, data, cache, suite, ladder_file=ladder)))


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Model, for example ladder-497k.")],
    setting: Annotated[str, typer.Argument(help="Setting, for example gptq_step-step0.7.")],
    to: Annotated[Path, typer.Option(help="New folder for the file and its config.json.")],
    code: Annotated[str, typer.Option(help="entropy_coded or stored.")] = "entropy_coded",
    preset: Preset = "small",
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    ladder: LadderFile = None,
) -> None:
    """Write the file whose size is the code length of a model that was measured."""
    from compute.session import Request, open_session
    from compute.transfer import export_model

    request = Request(preset, corpus, data, cache, suite, device, ladder_file=ladder)
    session = open_session(request)
    export_model(session, model, setting, code, to)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Folder that export wrote.")],
    to: Annotated[Path, typer.Option(help="New folder for the checkpoint.")],
) -> None:
    """Decode an exported model into a checkpoint that transformers loads."""
    from compute.transfer import restore_model

    restore_model(source, to)


@app.command()
def bound(
    losses: Annotated[
        Path,
        typer.Option(
            help="Parquet or CSV with a column loss_nats and, if known, entropy_nats: every "
            "training token, or windows drawn independently with replacement, a column 'window' "
            "naming the draw (a window drawn twice has two names)."
        ),
    ],
    params: Annotated[int, typer.Option(help="N, all parameters.")],
    train_tokens: Annotated[int, typer.Option(help="D, tokens of the one training epoch.")],
    vocab: Annotated[int, typer.Option(help="V, classes of the output distribution.")],
    code_bits: Annotated[
        list[float],
        typer.Option(help="L, bits of a code for the model; repeat it for several codes."),
    ],
    delta: Annotated[float, typer.Option(help="Probability that the bound is wrong.")] = 0.05,
    training_loss: Annotated[
        float | None,
        typer.Option(
            help="Training loss of the unquantized model, to count the gap from.",
            show_default="mean of the losses",
        ),
    ] = None,
) -> None:
    """Print every form of the bound for token losses of any model."""
    from compute.bound_table import show_bounds
    from compute.own_losses import Measurement, bounds_of_file

    measurement = Measurement(params, train_tokens, vocab, tuple(code_bits), delta, training_loss)
    show_bounds(bounds_of_file(losses, measurement), measurement)


@app.command()
def fit(
    runs: Annotated[
        Path,
        typer.Option(
            help="Parquet or CSV, one row a training run: N (parameters), D (training tokens) and "
            "loss (nats per token)."
        ),
    ],
    bootstrap: Annotated[int, typer.Option(help="Resamples for errors and intervals.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 0,
) -> None:
    """Fit L(N, D) = E + A/N^alpha + B/D^beta to the losses of training runs."""
    from compute.fit_runs import law_of_file
    from compute.fit_table import show_fit
    from compute.terminal import console

    with console.status("Descending from every start, then for every resample"):
        found = law_of_file(runs, resamples=bootstrap, seed=seed)
    show_fit(found)


def main() -> None:
    """Run the command line; bad input ends it with one sentence and status 2."""
    try:
        app(prog_name="python -m compute")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"error: {error.strerror or error}{where}", file=sys.stderr)
        sys.exit(2)
