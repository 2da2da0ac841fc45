"""The command line of the batch stage."""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compute.base.errors import InputError
from compute.commands.request_options import with_request
from compute.session.request import Goes, Request

if TYPE_CHECKING:
    from compute.session.session import Session

app = typer.Typer(
    help="Train and measure the models whose generalization bounds the app shows.\n\nResults are "
    "Parquet files under data/, one per finished unit of work. You can interrupt a run at "
    "any moment and start it again: finished units are not repeated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_DATA = Path("data")

#: Options that say how units are run.
_RUNNING = ("workers", "retry_failed", "hours", "executor", "address")


@app.command()
@with_request(leave_out=("executor", "address"))
def plan(
    request: Request,
    shapes: Annotated[
        str | None,
        typer.Option(help="Instead: plan the curvature of published models: pythia."),
    ] = None,
    gpu_memory: Annotated[
        float | None,
        typer.Option(help="With --shapes: GB of GPU memory.", show_default="80"),
    ] = None,
    host_memory: Annotated[
        float | None, typer.Option(help="With --shapes: GB of host memory.", show_default="128")
    ] = None,
    teraflops: Annotated[
        float | None,
        typer.Option(help="With --shapes: assumed sustained float32 speed.", show_default="20"),
    ] = None,
) -> None:
    """Show the work and time of a run without measuring anything."""
    assumed = {"gpu_memory": gpu_memory, "host_memory": host_memory, "teraflops": teraflops}
    assumed = {name: value for name, value in assumed.items() if value is not None}
    if shapes is not None:
        from compute.commands.curvature_plan import plan_shapes

        request.check(Goes.SHAPES, "--shapes")
        plan_shapes(shapes, request.hub_file, **assumed)
        return
    for name in assumed:
        flag = f"--{name.replace('_', '-')}"
        raise InputError(f"{flag} goes only with --shapes; leave it out.")
    from compute.commands import run as runs

    runs.estimate_and_show(_session(request))


@app.command()
@with_request()
def run(request: Request) -> None:
    """Fetch or train, and measure, every model of the preset that is missing."""
    session = _session(request)
    from compute.commands import run as runs

    with closing(session.machines):
        raise typer.Exit(runs.run(session))


@app.command()
@with_request(leave_out=_RUNNING, measures=False)
def status(request: Request) -> None:
    """List the units that are done, missing or failed."""
    session = _session(request)
    from compute.commands.console import show_status

    show_status(session)


@app.command()
@with_request(leave_out=(*_RUNNING, "only", "without"), measures=False)
def export(
    request: Request,
    model_id: Annotated[
        str, typer.Argument(metavar="MODEL", help="Model, for example ladder-497k.")
    ],
    setting: Annotated[str, typer.Argument(help="Setting, for example gptq_step-step0.7.")],
    to: Annotated[
        Path, typer.Option(help="New folder for the file, its config.json and the tokenizer.")
    ],
    code: Annotated[str, typer.Option(help="entropy_coded or stored.")] = "entropy_coded",
) -> None:
    """Write the file whose size is the code length of a measured model, with its architecture and
    tokenizer.  Without --preset and --model it uses those of --suite, or of the only suite with the
    model."""
    from compute.commands.transfer import export_model
    from compute.session.kept_request import request_of_suite

    request = request_of_suite(request, model_id, setting)
    if request.preset is None and not request.model:
        request = replace(request, preset="small")
    export_model(_session(request), model_id, setting, code, to)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Folder that export wrote.")],
    to: Annotated[Path, typer.Option(help="New folder for the checkpoint.")],
) -> None:
    """Decode an exported model into a checkpoint that transformers loads."""
    from compute.commands.transfer import restore_model

    restore_model(source, to)


@app.command()
def publish(
    suite: Annotated[str, typer.Argument(help="Suite to publish, a folder under --data.")],
    to: Annotated[Path, typer.Option(help="Folder to put the copy into, under the same name.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the artifacts.")] = _DATA,
    with_failures: Annotated[
        bool,
        typer.Option("--with-failures", help="Publish even if units failed; their records stay."),
    ] = False,
) -> None:
    """Write a compact read-only copy of a measured suite, one file per table and model."""
    from compute.commands.publish.publish import publish_suite

    publish_suite(data, suite, to, with_failures=with_failures)


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of suites, for example data.")],
) -> None:
    """Write the manifest of a folder of suites, so that an app elsewhere can read them."""
    from compute.commands.publish.collection import write_collection

    for name, digest in write_collection(folder).items():
        print(f"{digest[:12]}  {name}")


@app.command()
@with_request(take=("device", "cache_dir"))
def check(
    request: Request,
    as_json: Annotated[bool, typer.Option("--json", help="Print rows as JSON.")] = False,
) -> None:
    """Check a new machine: its hardware, its agreement with a CPU, and its speed."""
    from compute.check.table import check as check_machine

    raise typer.Exit(0 if check_machine(request.device, request.cache_dir, as_json) else 1)


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
            help="Training loss of the unquantized model, which the gap subtracts.",
            show_default="mean of the losses",
        ),
    ] = None,
) -> None:
    """Print every form of the bound for token losses of any model."""
    from compute.commands.bound.bound_table import show_bounds
    from compute.commands.bound.own_losses import bounds_of_file, measurement_of

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
    from compute.base.terminal import console
    from compute.commands.fit.fit_runs import law_of_file
    from compute.commands.fit.fit_table import show_fit

    with console.status("Descending from every start, then for every resample"):
        found = law_of_file(runs, resamples=bootstrap, seed=seed)
    show_fit(found)


def _session(request: Request) -> "Session":
    """The request of a command, opened as a session."""
    from compute.session.opening import open_session

    return open_session(request)


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
