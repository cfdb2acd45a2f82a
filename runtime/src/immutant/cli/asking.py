"""The commands that look into a running app, and command it there.

Belongs here: what is typed. Not here: whom it is asked of (`immutant.cli.consoles`), how answers
are printed (`immutant.cli.answers`), what is done about it (`immutant.console`).
"""

import base64
import difflib
import functools
import inspect
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup, TyperOption

from immutant.cli import answers, printing
from immutant.cli.consoles import Console, reached
from immutant.cli.options import (
    DEFAULT_STATE,
    AppArgument,
    AppOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
    StateOption,
    Where,
    one_app,
)
from immutant.errors import ConsoleError, ImmutantError

if TYPE_CHECKING:
    from immutant.console.requests import Json
    from immutant.values import Value

__all__ = ["cache", "dead", "jobs", "queues", "repl", "threaddump"]

Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Key = Annotated[
    str, typer.Option(help="Asking again with the same key changes nothing.  [default: a new one]")
]
JobName = Annotated[str, typer.Argument(metavar="NAME", help="The job, as `immutant jobs` has it.")]
CacheName = Annotated[str, typer.Argument(metavar="CACHE", help="The cache.")]
CacheKey = Annotated[str, typer.Argument(metavar="KEY", help="The entry's key.")]
ReplicaArgument = Annotated[
    str, typer.Argument(metavar="REPLICA", help="The replica, as `immutant gears` names it.")
]

_WHERE: Final = {
    "state": (StateOption, DEFAULT_STATE),
    "app": (AppOption, ""),
    "namespace": (NamespaceOption, ""),
    "context": (ContextOption, ""),
    "kubeconfig": (KubeconfigOption, ""),
}
"""The options that say whom to ask, and their defaults."""


def _reaching(function: Callable[..., None], *, bare: bool = False) -> Callable[..., None]:
    """The command, with the options that say where, in place of its parameter `console`.

    Args:
        function: What it does.
        bare: Whether it has no argument of its own, so that the app may be one.
    """

    @functools.wraps(function)
    def command(**given: Any) -> None:  # noqa: ANN401 - as Typer parses it
        given["app"] = one_app(given.pop("argument", ""), given["app"])
        where = Where(**{name: given.pop(name) for name in _WHERE})
        function(reached(where), **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = inspect.signature(function, eval_str=True).parameters
    parameters = [one.replace(kind=keyword) for name, one in own.items() if name != "console"]
    if bare:
        argument = inspect.Parameter("argument", keyword, default="", annotation=AppArgument)
        parameters.append(argument)
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=kind)
        for name, (kind, default) in _WHERE.items()
    ]
    del command.__wrapped__  # Typer would look through to it
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _queues(console: Console, output: OutputOption = Output.table) -> None:
    """List an app's queues.

    With how many messages are ready, delayed, in hand, dead.
    """
    found = console.ask({"verb": "queues"})
    printing.listing(output, found, *answers.queues(found))


def _dead(
    console: Console,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="One queue's alone.")] = "",
    replay: Annotated[bool, typer.Option("--replay", help="Send them again.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Forget them.")] = False,
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Which; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of the queue's.")] = False,
    limit: Limit = 100,
    output: OutputOption = Output.table,
) -> None:
    """List dead letters; send them again, or forget them.

    Each has the error of its last attempt.
    """
    if not replay and not discard:
        found = console.ask({"verb": "dead", "queue": queue, "limit": limit})
        printing.listing(output, found, *answers.letters(found))
        if found["more"] and output is Output.table:
            typer.echo("there are more: --limit")
        return
    if replay is discard or not queue or bool(ids) is everything:
        raise typer.BadParameter(
            "write QUEUE --replay or QUEUE --discard, and either --id ID (again for each) or --all"
        )
    request: Json = {"verb": "replay" if replay else "discard", "queue": queue}
    done = console.ask(request | ({"all": True} if everything else {"ids": ids}))
    typer.echo(f"{next(iter(done.values()))} {next(iter(done))}")


def _threaddump(console: Console, replica: ReplicaArgument) -> None:
    """Print where every thread and task is.

    Also while the app's loop hangs.
    """
    typer.echo(console.ask({"verb": "threaddump"}, replica)["text"], nl=False)


def _repl(console: Console, replica: ReplicaArgument) -> None:
    """Hold a Python prompt in a running app.

    It is off unless it was enabled: spec.repl, or `immutant run --repl`.
    """
    console.prompt(replica)


def _jobs_list(console: Console, output: OutputOption = Output.table) -> None:
    """List the app's jobs: schedule, next and last run, who holds them."""
    found = console.ask({"verb": "jobs"})
    printing.listing(output, found, *answers.jobs(found))


def _trigger(console: Console, name: JobName, key: Key = "") -> None:
    """Run a job once, now; prints the id of its tick."""
    done = _with_key(console, {"verb": "trigger", "name": name}, key)
    typer.echo(f"{name} is asked to run as {done['tick']}")


def _pause(console: Console, name: JobName) -> None:
    """Begin no run of the schedule; what runs ends by itself."""
    console.ask({"verb": "pause", "name": name})
    typer.echo(f"{name} is paused; go on with `immutant jobs resume {name}{console.mention}`")


def _resume(console: Console, name: JobName) -> None:
    """Go on with the schedule from now; what was missed is passed over."""
    console.ask({"verb": "resume", "name": name})
    typer.echo(f"{name} goes on")


def _unschedule(console: Console, name: JobName) -> None:
    """End the schedule, until another version of the app has another, or `resume`."""
    console.ask({"verb": "unschedule", "name": name})
    typer.echo(
        f"{name} is unscheduled; begin anew with `immutant jobs resume {name}{console.mention}`"
    )


def _backfill(
    console: Console,
    name: JobName,
    since: Annotated[str, typer.Option(help="From when on: 2026-08-01T06:00, in the job's zone.")],
    until: Annotated[str, typer.Option(help="Up to when; not later than now.")],
    key: Key = "",
) -> None:
    """Run a job for what its schedule has in a range of the past."""
    _with_key(console, {"verb": "backfill", "name": name, "since": since, "until": until}, key)
    typer.echo(f"{name} is asked to run for {since} to {until}")


def _cache_list(
    console: Console,
    cache: Annotated[str, typer.Argument(metavar="CACHE", help="Its entries.")] = "",
    limit: Limit = 100,
    output: OutputOption = Output.table,
) -> None:
    """List the app's caches, or a cache's entries."""
    if cache:
        found = console.ask({"verb": "cache list", "cache": cache, "limit": limit})
        printing.listing(output, found, *answers.entries(found))
        left = found["size"] - len(found["entries"])
        if left > 0 and output is Output.table:
            typer.echo(f"there are about {left} more: --limit")
        return
    found = console.ask({"verb": "caches"})
    printing.listing(output, found, *answers.caches(found))


def _cache_get(console: Console, cache: CacheName, key: CacheKey) -> None:
    """Print a value: as JSON, or its bytes as they are."""
    found = console.ask({"verb": "cache get", "cache": cache, "key": key})
    if not found["found"]:
        raise ConsoleError(f"cache {cache!r} has no entry {key!r}")
    if "base64" in found:
        sys.stdout.buffer.write(base64.b64decode(found["base64"]))
        sys.stdout.buffer.flush()
        return
    typer.echo(json.dumps(found["value"], indent=2, ensure_ascii=False))


def _cache_put(
    console: Console,
    cache: CacheName,
    key: CacheKey,
    value: Annotated[str, typer.Argument(metavar="JSON", help="Such as 5, true, '\"text\"'.")],
    ttl: Annotated[str, typer.Option(help="How long it lives, such as 5m.")] = "",
) -> None:
    """Store a value."""
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise typer.BadParameter(
            f"{value!r} is no JSON ({error}); text has quotes of its own: '\"{value}\"'"
        ) from error
    request = {"verb": "cache put", "cache": cache, "key": key, "value": parsed, "ttl": ttl}
    console.ask(request)
    typer.echo(f"{key} is stored in {cache}")


def _cache_remove(console: Console, cache: CacheName, key: CacheKey) -> None:
    """Remove an entry."""
    done = console.ask({"verb": "cache remove", "cache": cache, "key": key})
    typer.echo(f"{key} is removed from {cache}" if done["removed"] else f"{cache} has no {key}")


def _cache_owners(console: Console, cache: CacheName, key: CacheKey) -> None:
    """Print who keeps a copy of an entry, its owner first."""
    owners = console.ask({"verb": "cache owners", "cache": cache, "key": key})["owners"]
    names = console.names() if owners else {}
    shown = [names.get(one.rpartition(":")[0].strip("[]"), one) for one in owners]
    typer.echo("\n".join(shown) or "every replica: they share one file")


def _with_key(console: Console, request: "Json", key: str) -> "Value":
    """Ask with a key, and tell it where the answer is lost: asking again then does no harm."""
    key = key or uuid.uuid4().hex
    try:
        return console.ask(request | {"key": key})
    except ImmutantError as error:
        raise ConsoleError(f"{error} (to ask for the same once more: --key {key})") from error


_JOBS: Final[Mapping[str, Callable[..., None]]] = {
    "list": _jobs_list,
    "trigger": _trigger,
    "pause": _pause,
    "resume": _resume,
    "unschedule": _unschedule,
    "backfill": _backfill,
}
_CACHES: Final[Mapping[str, Callable[..., None]]] = {
    "list": _cache_list,
    "get": _cache_get,
    "put": _cache_put,
    "remove": _cache_remove,
    "owners": _cache_owners,
}


_LIKE: Final = 0.75
"""How alike (`difflib`) a word is to the verb that it is taken for: pasue, lits."""


class _Listing(TyperGroup):
    """Verbs, which may follow options; `list` is meant where none is typed.

    A single word is then what `list` takes, unless it looks like a verb that was mistyped.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer keeps its types
        if not args or args[0] not in ctx.help_option_names:
            args = self._verb_first(args)
        return super().parse_args(ctx, args)

    def _verb_first(self, args: list[str]) -> list[str]:
        places = list(self._words(args))
        if not places:
            return ["list", *args]
        first = places[0]
        word = args[first]
        is_mistyped = difflib.get_close_matches(word, self.commands, cutoff=_LIKE)
        if word not in self.commands and len(places) == 1 and not is_mistyped:
            return ["list", *args]
        return [word, *args[:first], *args[first + 1 :]]

    def _words(self, args: list[str]) -> Iterator[int]:
        """Where the arguments are that are no options, nor values of options."""
        valued = {
            name
            for command in self.commands.values()
            for option in command.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in option.opts
        }
        is_value = False
        for place, one in enumerate(args):
            if is_value or (one.startswith("-") and one != "-"):
                is_value = not is_value and one in valued
            else:
                yield place


def _group(text: str, functions: Mapping[str, Callable[..., None]]) -> typer.Typer:
    group = typer.Typer(
        cls=_Listing,
        subcommand_metavar="[COMMAND] [ARGS]...",
        help=f"{text}\n\nWithout a verb it lists.",
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for verb, function in functions.items():
        group.command(verb)(_reaching(function, bare=function is _jobs_list))
    return group


queues = _reaching(_queues, bare=True)
dead = _reaching(_dead)
threaddump = _reaching(_threaddump)
repl = _reaching(_repl)
jobs = _group("List jobs, and command them.", _JOBS)
cache = _group("Look into caches, and change entries.", _CACHES)
