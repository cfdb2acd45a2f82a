"""Results of functions kept in a cache.

Belongs here: the wrapping of `async def` and `def` functions and the key made of their arguments.
"""

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from immutant.durations import Duration
from immutant.values import Value, encode

if TYPE_CHECKING:
    from immutant.services.cache import Cache

__all__ = ["memoized"]

F = TypeVar("F", bound=Callable[..., object])

_NOTHING = object()


def memoized(cache: "Cache", function: F, ttl: Duration | None) -> F:
    """The function with its results kept in the cache; `def` stays `def` and is for threads."""
    if inspect.iscoroutinefunction(function):
        return cast("F", _awaited(cache, function, ttl))
    return cast("F", _blocking(cache, function, ttl))


def _awaited(
    cache: "Cache", function: Callable[..., Value], ttl: Duration | None
) -> Callable[..., Value]:
    @functools.wraps(function)
    async def wrapper(*args: Value, **kwargs: Value) -> Value:
        key = _key(function, args, kwargs)
        value = await cache.get(key, _NOTHING)
        if value is _NOTHING:
            value = await function(*args, **kwargs)
            await cache.put(key, value, ttl=ttl)
        return value

    return wrapper


def _blocking(
    cache: "Cache", function: Callable[..., Value], ttl: Duration | None
) -> Callable[..., Value]:
    @functools.wraps(function)
    def wrapper(*args: Value, **kwargs: Value) -> Value:
        key = _key(function, args, kwargs)
        value = cache.blocking.get(key, _NOTHING)
        if value is _NOTHING:
            value = function(*args, **kwargs)
            cache.blocking.put(key, value, ttl=ttl)
        return value

    return wrapper


def _key(function: Callable[..., object], args: tuple[Value, ...], kwargs: dict[str, Value]) -> str:
    name = f"{function.__module__}.{function.__qualname__}"
    arguments = [list(args), dict(sorted(kwargs.items()))]
    text = encode(arguments, f"the arguments of the memoized function {name}")
    return f"{name[-400:]}:{hashlib.sha256(text).hexdigest()}"
