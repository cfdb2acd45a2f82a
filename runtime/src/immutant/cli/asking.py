"""The commands that look into a running application, and command it there.

Belongs here: what is typed. Not here: whom it is asked of (`immutant.cli.consoles`), how answers
are printed (`immutant.cli.answers`), what is done about it (`immutant.console`).
"""

import base64
import functools
import inspect
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from immutant.cli import answers
from immutant.cli.answers import Format
from immutant.cli.consoles import Console, Where
from immutant.errors import ConsoleError, ImmutantError

if TYPE_CHECKING:
    from immutant.console.requests import Json
    from immutant.values import Value

__all__ = ["add_to"]

Output = Annotated[Format, typer.Option("--output", "-o", help="Format.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Key = Annotated[
    str, typer.Option(help="Asking again with the same key changes nothing.  [default: a new one]")
]
JobName = Annotated[
    str, typer.Argument(metavar="NAME", help="The job, as `immutant jobs list` has it.")
]
CacheName = Annotated[str, typer.Argument(metavar="CACHE", help="The cache.")]
CacheKey = Annotated[str, typer.Argument(metavar="KEY", help="The entry's key.")]
Pod = Annotated[
    str, typer.Argument(metavar="POD", help="The pod, or the replica of a laptop's run.")
]

_WHERE: Final = {
    "app": Annotated[str, typer.Option("--app", "-a", help="The application, in a cluster.")],
    "namespace": Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")],
    "context": Annotated[str, typer.Option(help="The kubeconfig's context.")],
    "kubeconfig": Annotated[str, typer.Option(help="The kubeconfig.")],
}
_STATE: Final = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The state folder of an `immutant run`."),
]


def add_to(commands: typer.Typer) -> None:
    """Add these commands to the command line."""
    for function in (_queues, _dead, _threaddump, _repl):
        commands.command(function.__name__.lstrip("_"))(_reaching(function))
    commands.add_typer(_group("jobs", "List jobs, and command them.", _JOBS), name="jobs")
    commands.add_typer(
        _group("cache", "Look into caches, and change entries.", _CACHES), name="cache"
    )


def _group(name: str, text: str, functions: Mapping[str, Callable[..., None]]) -> typer.Typer:
    group = typer.Typer(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)
    for verb, function in functions.items():
        group.command(verb)(_reaching(function))
    return group


def _reaching(function: Callable[..., None]) -> Callable[..., None]:
    """The command, with the options that say where, in place of its parameter `console`."""

    @functools.wraps(function)
    def command(**given: Any) -> None:  # noqa: ANN401 - as Typer parses it
        where = Where(given.pop("state"), **{name: given.pop(name) for name in _WHERE})
        function(where.console(), **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = inspect.signature(function, eval_str=True).parameters
    parameters = [one.replace(kind=keyword) for name, one in own.items() if name != "console"]
    parameters.append(inspect.Parameter("state", keyword, default=None, annotation=_STATE))
    parameters += [
        inspect.Parameter(name, keyword, default="", annotation=kind)
        for name, kind in _WHERE.items()
    ]
    del command.__wrapped__  # Typer would look through to it
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _queues(console: Console, output: Output = Format.table) -> None:
    """List the application's queues: how many messages are ready, delayed, in hand, dead."""
    found = console.ask({"verb": "queues"})
    typer.echo(answers.printed(found, output, answers.queues_table(found)))


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
    output: Output = Format.table,
) -> None:
    """List dead letters with their errors; send them again, or forget them."""
    if not replay and not discard:
        found = console.ask({"verb": "dead", "queue": queue, "limit": limit})
        typer.echo(answers.printed(found, output, answers.letters_table(found)))
        return
    if replay is discard or not queue or bool(ids) is everything:
        raise typer.BadParameter(
            "write QUEUE --replay or QUEUE --discard, and either --id ID (again for each) or --all"
        )
    request: Json = {"verb": "replay" if replay else "discard", "queue": queue}
    done = console.ask(request | ({"all": True} if everything else {"ids": ids}))
    typer.echo(f"{next(iter(done.values()))} {next(iter(done))}")


def _threaddump(console: Console, pod: Pod) -> None:
    """Print where every thread and task of the application is, even while its loop hangs."""
    typer.echo(console.ask({"verb": "threaddump"}, pod)["text"], nl=False)


def _repl(console: Console, pod: Pod) -> None:
    """Hold a Python prompt inside the running application; off unless it was enabled."""
    console.prompt(pod)


def _jobs_list(console: Console, output: Output = Format.table) -> None:
    """List the application's jobs: schedule, next and last run, who holds them."""
    found = console.ask({"verb": "jobs"})
    typer.echo(answers.printed(found, output, answers.jobs_table(found)))


def _trigger(console: Console, name: JobName, key: Key = "") -> None:
    """Run a job once, now; prints the id of its tick."""
    done = _with_key(console, {"verb": "trigger", "name": name}, key)
    typer.echo(f"{name} is asked to run as {done['tick']}")


def _pause(console: Console, name: JobName) -> None:
    """Begin no run of the schedule; what runs ends by itself."""
    console.ask({"verb": "pause", "name": name})
    typer.echo(f"{name} is paused; go on with `immutant jobs resume {name}`")


def _resume(console: Console, name: JobName) -> None:
    """Go on with the schedule from now; what was missed is passed over."""
    console.ask({"verb": "resume", "name": name})
    typer.echo(f"{name} goes on")


def _unschedule(console: Console, name: JobName) -> None:
    """End the schedule, until another version of the application has another, or `resume`."""
    console.ask({"verb": "unschedule", "name": name})
    typer.echo(f"{name} is unscheduled; begin anew with `immutant jobs resume {name}`")


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
    output: Output = Format.table,
) -> None:
    """List the application's caches, or a cache's entries."""
    if cache:
        found = console.ask({"verb": "cache list", "cache": cache, "limit": limit})
        typer.echo(answers.printed(found, output, answers.entries_table(found)))
        return
    found = console.ask({"verb": "caches"})
    typer.echo(answers.printed(found, output, answers.caches_table(found)))


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
