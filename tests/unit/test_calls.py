"""Calling users' functions of every kind."""

import asyncio
import threading
from contextvars import ContextVar
from functools import partial

import pytest

from immutant.calls import Handler, computing, in_thread
from immutant.errors import HandlerExitError, TenureEndedExit


async def both(one: int, two: int) -> tuple[int, int]:
    return one, two


def only_one(one: int) -> tuple[int]:
    return (one,)


class Callable:
    async def __call__(self, one: int) -> str:
        return f"called with {one}"


async def test_a_function_is_given_as_many_arguments_as_it_takes() -> None:
    assert await Handler(both, offered=2)(1, 2) == (1, 2)
    assert await Handler(only_one, offered=2)(1, 2) == (1,)
    assert await Handler(lambda: "none", offered=2)(1, 2) == "none"
    assert await Handler(lambda *rest: rest, offered=2)(1, 2) == (1, 2)


async def test_partials_and_callable_objects_are_functions_too() -> None:
    assert await Handler(partial(both, 0), offered=1)(5) == (0, 5)
    assert await Handler(Callable(), offered=1)(5) == "called with 5"


async def test_a_plain_function_runs_in_a_thread_with_the_callers_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("the caller's")

    def look() -> tuple[str, bool]:
        return variable.get(), threading.current_thread() is threading.main_thread()

    assert await in_thread(look) == ("the caller's", False)


async def test_what_a_plain_function_raises_arrives() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def ends_in_a_group(*errors: BaseException) -> None:
    async def end(error: BaseException) -> None:
        raise error

    async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
        for error in errors:
            inner.create_task(end(error))
        outer.create_task(asyncio.Event().wait())


async def test_a_group_of_tasks_that_ends_with_its_tenure_is_the_end_of_the_tenure() -> None:
    with pytest.raises(TenureEndedExit):
        await Handler(ends_in_a_group, offered=2)(TenureEndedExit(), TenureEndedExit())


async def test_a_group_of_tasks_of_which_one_failed_has_failed() -> None:
    with pytest.raises(HandlerExitError, match="no such file"):
        await Handler(ends_in_a_group, offered=2)(TenureEndedExit(), OSError("no such file"))


async def test_it_is_known_how_many_plain_functions_compute() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(10)

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait, 10)
    assert computing() == 1
    go_on.set()
    await task
    assert computing() == 0
