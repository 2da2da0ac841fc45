"""The command line of the batch stage."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compute.errors import InputError

if TYPE_CHECKING:
    from compute.session import Session

app = typer.Typer(
    help="Train and measure the models whose generalization bounds the app shows.\n\n"
    "Results go to Parquet files under data/, one file per finished unit of work. Interrupt a "
    "run at any moment and start it again: nothing that is finished is done twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Preset = Annotated[
    str | None,
    typer.Option(
        help="Which models: tiny (under a minute) or small, ladders that are trained here; pythia, "
        "pythia-nonembedding or cerebras, which are fetched.",
        show_default="pythia on a GPU, else small",
    ),
]
CorpusPath = Annotated[
    Path | None,
    typer.Option(
        "--corpus",
        help="Folder of text files, or of shards of JSON lines or Parquet.",
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
HubFile = Annotated[
    Path | None,
    typer.Option(
        "--hub-suites",
        envvar="BOUNDSCAPE_HUB_SUITES",
        help="Another file of published models, laid out like compute/suites/hub.toml.",
        show_default="compute/suites/hub.toml",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model", help="Instead of a preset: any causal language model, ORG/NAME or a folder."
    ),
]
Revision = Annotated[
    str | None, typer.Option(help="Branch, tag or commit of --model.", show_default="main")
]
Gguf = Annotated[
    str | None, typer.Option(help="GGUF file in the folder --model that holds the model.")
]
TrainTokens = Annotated[
    int | None, typer.Option(help="D of --model: tokens it was trained on, each once.")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Dataset on the hub, ORG/NAME or ORG/NAME@REVISION, that stands in for the training "
        "text of --model."
    ),
]
TextField = Annotated[str, typer.Option(help="Column or field of a dataset that holds the text.")]
Stream = Annotated[
    str | None,
    typer.Option(
        help="Address of the token files that the models were trained on, in Pythia's layout: "
        "hf://datasets/ORG/NAME, https://... or a folder.",
        show_default="that of the preset",
    ),
]
Shards = Annotated[
    int | None, typer.Option(help="Files that --stream is divided into.", show_default="1")
]
Context = Annotated[
    int | None,
    typer.Option(
        help="Tokens of a window of --model.", show_default="what it was made for, at most 2048"
    ),
]
Only = Annotated[
    list[str], typer.Option(help="Model of the preset to measure; repeat it for several.")
]
Without = Annotated[
    list[str],
    typer.Option(help="Stage to leave out, such as chain or curvature; repeat it for several."),
]
Hours = Annotated[
    float | None, typer.Option(help="Leave out models that would take the run beyond this.")
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
    preset: Preset = None,
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    ladder: LadderFile = None,
    hub_suites: HubFile = None,
    model: ModelName = None,
    revision: Revision = None,
    gguf: Gguf = None,
    train_tokens: TrainTokens = None,
    dataset: Dataset = None,
    text_field: TextField = "text",
    stream: Stream = None,
    shards: Shards = None,
    context: Context = None,
    only: Only = (),
    without: Without = (),
    hours: Hours = None,
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
    of_shapes = ("shapes", "gpu_memory", "host_memory", "teraflops")
    options = {k: v for k, v in locals().items() if k not in (*of_shapes, "of_shapes")}
    if shapes is not None:
        from compute.curvature_plan import plan_shapes

        plan_shapes(shapes, gpu_memory, host_memory, teraflops)
        return
    from compute import run as runs

    runs.estimate_and_show(_session(**options))


@app.command()
def run(
    preset: Preset = None,
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    ladder: LadderFile = None,
    hub_suites: HubFile = None,
    model: ModelName = None,
    revision: Revision = None,
    gguf: Gguf = None,
    train_tokens: TrainTokens = None,
    dataset: Dataset = None,
    text_field: TextField = "text",
    stream: Stream = None,
    shards: Shards = None,
    context: Context = None,
    only: Only = (),
    without: Without = (),
    hours: Hours = None,
    executor: Executor = "local",
    address: Address = None,
) -> None:
    """Fetch or train, and measure, every model of the preset that is not there yet."""
    session = _session(**locals())
    from compute import run as runs

    with closing(session.machines):
        raise typer.Exit(runs.run(session))


@app.command()
def status(
    preset: Preset = None,
    corpus: CorpusPath = None,
    data: DataDir = _DATA,
    cache: CacheDir = _CACHE,
    suite: SuiteName = None,
    device: Device = None,
    ladder: LadderFile = None,
    hub_suites: HubFile = None,
    model: ModelName = None,
    revision: Revision = None,
    gguf: Gguf = None,
    train_tokens: TrainTokens = None,
    dataset: Dataset = None,
    text_field: TextField = "text",
    stream: Stream = None,
    shards: Shards = None,
    context: Context = None,
) -> None:
    """List the units that are done, missing or failed."""
    session = _session(**locals(), measures=False)
    from compute.console import show_status

    show_status(session)


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
    hub_suites: HubFile = None,
) -> None:
    """Write the file whose size is the code length of a model that was measured."""
    from compute.transfer import export_model

    session = _session(
        preset=preset,
        corpus=corpus,
        data=data,
        cache=cache,
        suite=suite,
        device=device,
        ladder=ladder,
        hub_suites=hub_suites,
        measures=False,
    )
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
def publish(
    suite: Annotated[str, typer.Argument(help="Suite to publish, a folder under --data.")],
    to: Annotated[Path, typer.Option(help="Folder to put the copy into, under the same name.")],
    data: DataDir = _DATA,
    with_failures: Annotated[
        bool, typer.Option("--with-failures", help="Even if units failed; their records stay.")
    ] = False,
) -> None:
    """Write a compact copy of a measured suite, one file per table and model, to be read only."""
    from compute.publish import publish_suite

    publish_suite(data, suite, to, with_failures=with_failures)


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of suites, for example data.")],
) -> None:
    """Write the manifest of a folder of suites, so that an app elsewhere can read them from it."""
    from compute.collection import write_collection

    for name, digest in write_collection(folder).items():
        print(f"{digest[:12]}  {name}")


@app.command()
def check(
    device: Device = None,
    cache: CacheDir = _CACHE,
    as_json: Annotated[bool, typer.Option("--json", help="Print rows as JSON.")] = False,
) -> None:
    """Try out a new machine: what it has, whether it computes what a CPU does, how fast it is."""
    from compute.check.table import check as check_machine

    raise typer.Exit(0 if check_machine(device, cache, as_json) else 1)


@app.command()
def bound(
    losses: Annotated[
        Path,
        typer.Option(
            help="Parquet, CSV, JSON, or a folder of parts, with a column loss_nats (or logprob, "
            "or vLLM's prompt_logprobs) and, if known, entropy_nats: every training token, or "
            "windows drawn independently with replacement, a column 'window' naming the draw (a "
            "window drawn twice has two names)."
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
    from compute.own_losses import bounds_of_file, measurement_of

    measurement = measurement_of(
        params_total=params,
        train_tokens=train_tokens,
        vocab_size=vocab,
        code_bits=tuple(code_bits),
        failure_probability=delta,
        training_loss_nats=training_loss,
    )
    show_bounds(bounds_of_file(losses, measurement), measurement)


@app.command()
def fit(
    runs: Annotated[
        Path,
        typer.Option(
            help="Parquet, CSV, JSON, or a folder of parts, one row a training run: N "
            "(parameters), D (training tokens) and loss (nats per token)."
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


def _session(**options: Any) -> "Session":
    """What the options of a command ask for, opened; their names are those of the commands."""
    from compute.session import Request, open_session

    renamed = {
        "data": "data_dir",
        "cache": "cache_dir",
        "ladder": "ladder_file",
        "hub_suites": "hub_file",
        "context": "context_length",
    }
    wanted = {renamed.get(name, name): value for name, value in options.items()}
    for name in ("only", "without"):
        wanted[name] = tuple(wanted.get(name) or ())
    return open_session(Request(**wanted))


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
