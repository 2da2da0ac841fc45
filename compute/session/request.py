"""The request of a user.  Each field with an option is that option of every command.

A new option of ``plan``, ``run``, ``status`` and ``export`` is one field here.
"""

import dataclasses
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Flag, auto
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from typer import Option
from typer.models import OptionInfo

from compute.base.errors import InputError
from compute.session.amounts import tokens_of


class Goes(Flag):
    """The requests in which an option has a meaning.

    Attributes:
        LADDER: a preset of models that are trained here.
        PUBLISHED: a preset of published models.
        MODEL: models that a user names with ``--model``.
        SHAPES: ``plan --shapes``, which reads no suite on disk.
        KEPT: also, it determines the content of a suite, and is recorded in it for ``export``.
    """

    LADDER = auto()
    PUBLISHED = auto()
    MODEL = auto()
    SHAPES = auto()
    KEPT = auto()


ANY = Goes.LADDER | Goes.PUBLISHED | Goes.MODEL
_FETCHED = Goes.PUBLISHED | Goes.MODEL

_MODELS, _TEXT, _EFFORT, _PLACE = "Models", "Text", "How much is measured", "Where and how"


@dataclass(frozen=True)
class Request:
    """A user's request; None, and an empty list, mean the default.

    The help of each option describes its field.

    Attributes:
        measures: whether units are to be run, which a published copy refuses.
    """

    preset: Annotated[
        str | None,
        Option(
            help="Which models: tiny (under a minute) or small, which are trained here; pythia, "
            "pythia-nonembedding or cerebras, which are downloaded.",
            show_default="pythia on a GPU, else small",
            rich_help_panel=_MODELS,
        ),
        Goes.LADDER | Goes.PUBLISHED | Goes.KEPT,
    ] = None
    corpus: Annotated[
        Path | None,
        Option(
            help="Folder of text files, or of shards of JSON lines or Parquet.",
            show_default="this Python's standard library",
            rich_help_panel=_TEXT,
        ),
        Goes.LADDER | Goes.MODEL | Goes.KEPT,
    ] = None
    data_dir: Annotated[
        Path, Option("--data", help="Folder of the artifacts.", rich_help_panel=_PLACE), ANY
    ] = Path("data")
    cache_dir: Annotated[
        Path,
        Option("--cache", help="Folder of checkpoints and token windows.", rich_help_panel=_PLACE),
        ANY,
    ] = Path(".cache")
    suite: Annotated[
        str | None,
        Option(
            help="Folder under --data.",
            show_default="named by the preset or the model",
            rich_help_panel=_PLACE,
        ),
        ANY,
    ] = None
    device: Annotated[
        str | None,
        Option(
            help="Torch device.", show_default="cuda where there is one", rich_help_panel=_PLACE
        ),
        ANY,
    ] = None
    workers: Annotated[
        int | None,
        Option(
            help="Parallel processes, each with one thread.",
            show_default="one per core, one on a GPU",
            rich_help_panel=_PLACE,
        ),
        ANY,
    ] = None
    retry_failed: Annotated[
        bool,
        Option(
            "--retry-failed",
            help="Retry units that failed before.",
            rich_help_panel=_PLACE,
        ),
        ANY,
    ] = False
    ladder_file: Annotated[
        Path | None,
        Option(
            "--ladder",
            help="Another file of presets, with the layout of compute/suites/ladder.toml.",
            show_default="compute/suites/ladder.toml",
            rich_help_panel=_MODELS,
        ),
        Goes.LADDER | Goes.KEPT,
    ] = None
    hub_file: Annotated[
        Path | None,
        Option(
            "--hub-suites",
            envvar="BOUNDSCAPE_HUB_SUITES",
            help="Another file of published models, with the layout of compute/suites/hub.toml. "
            "It is searched for a preset first.",
            show_default="compute/suites/hub.toml",
            rich_help_panel=_MODELS,
        ),
        ANY | Goes.SHAPES | Goes.KEPT,
    ] = None
    model: Annotated[
        tuple[str, ...],
        Option(
            help="Instead of a preset: any causal language model, ORG/NAME or a folder. Repeat it "
            "for several in one suite, which then share tokenizer, text and window.",
            rich_help_panel=_MODELS,
        ),
        Goes.MODEL | Goes.KEPT,
    ] = ()
    revision: Annotated[
        tuple[str, ...],
        Option(
            help="Branch, tag or commit of --model; with several models one for all, or one each.",
            show_default="main",
            rich_help_panel=_MODELS,
        ),
        Goes.MODEL | Goes.KEPT,
    ] = ()
    gguf: Annotated[
        str | None,
        Option(help="GGUF file of the model in the folder --model.", rich_help_panel=_MODELS),
        Goes.MODEL | Goes.KEPT,
    ] = None
    train_tokens: Annotated[
        tuple[int, ...],
        Option(
            parser=tokens_of,
            metavar="TOKENS",
            help="D of --model: tokens it was trained on, each once, such as 2e12, 2T or 300B; "
            "with several models one for all, or one each.",
            rich_help_panel=_MODELS,
        ),
        Goes.MODEL | Goes.KEPT,
    ] = ()
    dataset: Annotated[
        str | None,
        Option(
            help="Dataset on the hub, ORG/NAME or ORG/NAME@REVISION, that stands in for the "
            "training text of --model.",
            rich_help_panel=_TEXT,
        ),
        Goes.MODEL | Goes.KEPT,
    ] = None
    text_field: Annotated[
        str | None,
        Option(
            help="Column or field with the text, of --dataset or of the shards of --corpus.",
            show_default="text",
            rich_help_panel=_TEXT,
        ),
        Goes.LADDER | Goes.MODEL | Goes.KEPT,
    ] = None
    stream: Annotated[
        str | None,
        Option(
            help="Address of the token files that the models were trained on, in Pythia's layout: "
            "hf://datasets/ORG/NAME, https://... or a folder.",
            show_default="that of the preset",
            rich_help_panel=_TEXT,
        ),
        _FETCHED | Goes.KEPT,
    ] = None
    shards: Annotated[
        int | None,
        Option(
            help="Number of files of --stream.",
            show_default="as many as the preset's, else 1",
            rich_help_panel=_TEXT,
        ),
        _FETCHED | Goes.KEPT,
    ] = None
    context_length: Annotated[
        int | None,
        Option(
            "--context",
            help="Tokens of a window of --model.",
            show_default="what it was made for, at most 2048",
            rich_help_panel=_TEXT,
        ),
        Goes.MODEL | Goes.KEPT,
    ] = None
    quantizers: Annotated[
        tuple[str, ...],
        Option(
            metavar="NAME:BITS[:GROUP]",
            help="Quantization of published models, such as gptq:3,4 or gptq:4:128 (groups of 128 "
            "weights) or gptq_step:0.7; repeat it, or separate by commas. The unquantized "
            "model is always measured.",
            show_default="those of compute/suites/hub.toml",
            rich_help_panel=_EFFORT,
        ),
        _FETCHED | Goes.KEPT,
    ] = ()
    windows: Annotated[
        int | None,
        Option(
            help="Training windows of a published model that are scored; it also limits the "
            "windows for choosing the bound's parameters and the held-out ones.",
            show_default="16384",
            rich_help_panel=_EFFORT,
        ),
        _FETCHED | Goes.KEPT,
    ] = None
    positions: Annotated[
        int | None,
        Option(
            help="Predictions scored in each window.",
            show_default="16",
            rich_help_panel=_EFFORT,
        ),
        _FETCHED | Goes.KEPT,
    ] = None
    calibration: Annotated[
        int | None,
        Option(
            help="Calibration windows of quantizers.", show_default="256", rich_help_panel=_EFFORT
        ),
        _FETCHED | Goes.KEPT,
    ] = None
    only: Annotated[
        tuple[str, ...],
        Option(
            help="Model of the preset to measure; repeat it for several.", rich_help_panel=_EFFORT
        ),
        Goes.LADDER | Goes.PUBLISHED,
    ] = ()
    without: Annotated[
        tuple[str, ...],
        Option(
            help="Stage to leave out, such as chain or curvature; repeat it for several.",
            rich_help_panel=_EFFORT,
        ),
        ANY,
    ] = ()
    hours: Annotated[
        float | None,
        Option(help="Leave out models that would make the run longer.", rich_help_panel=_EFFORT),
        ANY,
    ] = None
    executor: Annotated[
        str,
        Option(
            help="Where units run: local (processes of this machine) or ray.",
            rich_help_panel=_PLACE,
        ),
        ANY,
    ] = "local"
    address: Annotated[
        str | None,
        Option(
            help="With --executor ray: host:port of a cluster's head, or auto on one of its "
            "machines.",
            show_default="this machine alone",
            rich_help_panel=_PLACE,
        ),
        ANY,
    ] = None
    measures: bool = True

    def __post_init__(self) -> None:
        for option in options():
            if option.several and not isinstance(option.value_in(self), tuple):
                raise TypeError(f"{option.name}={option.value_in(self)!r} must be a tuple")

    def check(self, target: Goes, what: str) -> None:
        """Refuse options that would have no effect.

        Args:
            target: the kind of the request.
            what: the same as text.

        Raises:
            InputError: naming the first such option.
        """
        for option in options():
            if target not in option.goes and option.value_in(self) != option.default:
                raise InputError(f"{option.flag} does not go with {what}; leave it out.")
        if self.shards is not None and self.stream is None:
            raise InputError("--shards counts the files of --stream; give both or neither.")
        if self.text_field is not None and self.corpus is None and self.dataset is None:
            named = "--corpus" if target == Goes.LADDER else "--corpus or --dataset"
            raise InputError(f"--text-field names a field of {named}; give both or neither.")
        if self.hours is not None and not 0 < self.hours < float("inf"):
            raise InputError(f"--hours must be a positive number, not {self.hours:g}.")

    def command(self, name: str) -> str:
        """The command line of this request, without defaults."""
        words = [word for option in options() for word in option.words(option.value_in(self))]
        return shlex.join(["python", "-m", "compute", name, *words])


@dataclass(frozen=True)
class SharedOption:
    """An option of a ``Request``.

    Attributes:
        name: of the field.
        annotation: its type, for typer.
        default: if it is not given.
        goes: the requests in which it has a meaning.
        info: for typer.
    """

    name: str
    annotation: Any
    default: Any
    goes: Goes
    info: OptionInfo

    @property
    def flag(self) -> str:
        """The option's name on the command line: ``--train-tokens``."""
        given = (self.info.default, *(self.info.param_decls or ()))  # typer keeps the first there
        names = [n for n in given if isinstance(n, str) and n.startswith("--")]
        return names[0] if names else f"--{self.name.replace('_', '-')}"

    @property
    def several(self) -> bool:
        """Whether it can be repeated."""
        return isinstance(self.default, tuple)

    def value_in(self, request: Request) -> Any:
        """The option's value in a request."""
        return getattr(request, self.name)

    def restored(self, value: Any) -> Any:
        """A value of this option from JSON.

        Raises:
            ValueError: it is not valid.
        """
        kind = get_args(self.annotation)[0]
        kind = Path if Path in get_args(kind) else kind
        wanted = list if self.several else {int | None: int}.get(kind, str)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{self.name} is {value!r}")
        return tuple(value) if self.several else Path(value) if kind is Path else value

    def words(self, value: Any) -> list[str]:
        """The words of a command line with this value; none for the default."""
        if value == self.default:
            return []
        if value is True:
            return [self.flag]
        values = value if self.several else (value,)
        return [w for v in values for w in (self.flag, f"{v:g}" if type(v) is float else str(v))]


def options() -> Iterator[SharedOption]:
    """Every option, in the order of the fields."""
    hints = get_type_hints(Request, include_extras=True)
    for field in dataclasses.fields(Request):
        metadata = getattr(hints[field.name], "__metadata__", ())
        if metadata:
            info, goes = metadata
            yield SharedOption(field.name, hints[field.name], field.default, goes, info)
