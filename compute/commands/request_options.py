"""Give a command of the command line the options of a request."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from compute.session.request import Request, SharedOption, options


def with_request(
    *, take: tuple[str, ...] | None = None, leave_out: tuple[str, ...] = (), **fixed: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a command with a ``Request`` as its argument ``request``, made from options.

    Args:
        take: the fields of the request that are options of this command; None for all.
        leave_out: fields that are not options of it.
        fixed: values of such fields.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "request"]
        out = {*leave_out, *fixed}
        shared = [o for o in options() if o.name not in out and (take is None or o.name in take)]

        def called(**values: Any) -> None:
            asked = {option.name: _value(option, values.pop(option.name)) for option in shared}
            command(request=Request(**asked, **fixed), **values)

        parameters = [*own, *map(_parameter, shared)]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__signature__ = inspect.Signature(parameters)
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        return called

    return decorate


def _parameter(option: SharedOption) -> inspect.Parameter:
    """The type for typer: it supports lists, and not tuples of any length."""
    kind, info, _ = get_args(option.annotation)
    if get_origin(kind) is tuple:
        kind = list[get_args(kind)[0]]
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[kind, info],
    )


def _value(option: SharedOption, value: Any) -> Any:
    return tuple(value or ()) if option.several else value
