"""What a store is made of: rooms, each with the verbs about one thing. A verb is one transaction, or one view.

A verb is a function on a `Transaction` or a `Reader`, which other functions may call within their own transaction. A
room offers it to everybody else, without that first argument.
"""

from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from triggerbot.store.engine import Engine, Reader, Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Room:
    """The verbs about one thing. All are thread-safe; all raise `StoreUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine


class Reads(Generic[P, T]):
    """A verb that only reads."""

    def __init__(self, view: Callable[Concatenate[Reader, P], T]) -> None:
        self._view = view

    def __get__(self, room: Room, _: type[Room]) -> Callable[P, T]:
        def verb(*arguments: P.args, **named: P.kwargs) -> T:
            return room.engine.read(lambda reader: self._view(reader, *arguments, **named))

        return verb


class Writes(Generic[P, T]):
    """A verb that changes something; the change is durable when it returns."""

    def __init__(self, step: Callable[Concatenate[Transaction, P], T]) -> None:
        self._step = step

    def __get__(self, room: Room, _: type[Room]) -> Callable[P, T]:
        def verb(*arguments: P.args, **named: P.kwargs) -> T:
            return room.engine.run(lambda transaction: self._step(transaction, *arguments, **named))

        return verb
