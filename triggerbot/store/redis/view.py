"""A consistent view of a Redis, by the versions of the parts that it reads."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from triggerbot.store.engine import Conflict, Doc
from triggerbot.store.names import US
from triggerbot.store.redis.cache import ABSENT, Cache
from triggerbot.store.redis.connection import META, PREFIX, RedisConnection


def _documents(part: str, kind: str) -> str:
    return f"{PREFIX}d:{part}{US}{kind or US}"


def _text(raw: bytes | None) -> str:
    return ABSENT if raw is None else raw.decode()


class RedisView:
    """A `Reader`. It remembers the version of each part that it reads; two different ones are a conflict.

    With a cache, what it reads may be out of date until its versions are compared, by `confirm` or by the script; and
    `hopeful`, it takes what hardly ever is in an index for absent, which is compared, too.
    """

    def __init__(self, link: RedisConnection, cache: Cache | None = None, *, hopeful: bool = False) -> None:
        self._link = link
        self._client: Any = link.client
        self._cache = cache
        self._hopeful = hopeful
        #: Members that are not in an index at a number or more: the index, the number, these.
        self.absences: list[tuple[str, float, Sequence[str]]] = []
        self.versions: dict[str, str] = {}
        #: Whether anything came from the cache, and what came from the server.
        self._assumed = False
        self.fetched: dict[Doc, bytes | None] = {}

    def _saw(self, part: str, version: bytes | None) -> None:
        if self.versions.setdefault(part, _text(version)) != _text(version):
            raise Conflict(part)

    def confirm(self) -> None:
        """Raise `Conflict` unless what it has read from the cache is still so."""
        if not (self._assumed or self.absences):
            return
        pipe = self._pipe()
        for part in self.versions:
            pipe.hget(f"{PREFIX}d:{part}", "")
        for index, _, members in self.absences:
            pipe.zmscore(f"{PREFIX}z:{index}", members)
        found = iter(self._execute(pipe))
        for part in list(self.versions):
            self._saw(part, next(found))
        for _, least, _ in self.absences:
            if any(number is not None and number >= least for number in next(found)):
                raise Conflict

    def _pipe(self) -> Any:
        """Begin a round trip, which also shows whether it is still the same store."""
        pipe = self._client.pipeline(transaction=False)
        pipe.hmget(META, "marker", "writes", "since")
        return pipe

    def _execute(self, pipe: Any) -> list[Any]:
        found: list[Any] = pipe.execute()
        self._link.recognise(*found[0])
        return found[1:]

    def get(self, docs: Sequence[Doc]) -> list[bytes | None]:
        """Read documents, in one round trip at most."""
        found = self._cache.get(docs, self.versions) if self._cache is not None else {}
        self._assumed |= bool(found)
        missing = [doc for doc in docs if doc not in found]
        if missing:
            fetched = self._fetch(missing)
            self.fetched |= fetched
            found |= fetched
        return [found[doc] for doc in docs]

    def _fetch(self, docs: Sequence[Doc]) -> dict[Doc, bytes | None]:
        names: dict[tuple[str, str], list[str]] = defaultdict(list)
        for part, kind, name in docs:
            names[part, kind].append(name)
        pipe = self._pipe()
        parts = dict.fromkeys(part for part, _ in names)
        for part in parts:
            pipe.hget(f"{PREFIX}d:{part}", "")
        for (part, kind), own in names.items():
            pipe.hmget(_documents(part, kind), own)
        answers = iter(self._execute(pipe))
        for part in parts:
            self._saw(part, next(answers))
        found: dict[Doc, bytes | None] = {}
        for (part, kind), own in names.items():
            found.update(zip((Doc(part, kind, name) for name in own), next(answers), strict=True))
        return found

    def all(self, part: str, kind: str) -> dict[str, bytes]:
        """Read all documents of one kind in a part."""
        pipe = self._pipe()
        pipe.hget(f"{PREFIX}d:{part}", "")
        pipe.hgetall(_documents(part, kind))
        version, found = self._execute(pipe)
        self._saw(part, version)
        return {name.decode(): value for name, value in found.items()}

    def log(self, part: str) -> list[bytes]:
        """Read a log."""
        found: list[bytes] = self._client.lrange(f"{PREFIX}l:{part}", 0, -1)
        return found

    def first(
        self, index: str, limit: int, *, least: float = -math.inf, most: float = math.inf, descending: bool = False
    ) -> list[tuple[float, str]]:
        """List members by number."""
        if limit <= 0:
            return []
        ends = (repr(most), repr(least)) if descending else (repr(least), repr(most))
        found = self._client.zrange(
            f"{PREFIX}z:{index}", *ends, desc=descending, byscore=True, offset=0, num=limit, withscores=True
        )
        return [(number, member.decode()) for member, number in found]

    def ranks(self, index: str, members: Sequence[str]) -> list[float | None]:
        """Read the numbers of members."""
        found: list[float | None] = self._client.zmscore(f"{PREFIX}z:{index}", members) if members else []
        return found

    def absent(self, index: str, members: Sequence[str], least: float) -> list[bool]:
        """Tell which members are not in an index at `least` or more; the script checks that they still are not."""
        numbers: Sequence[float | None] = [None] * len(members) if self._hopeful else self.ranks(index, members)
        found = [number is None or number < least for number in numbers]
        missing = [member for member, is_absent in zip(members, found, strict=True) if is_absent]
        if missing:
            self.absences.append((index, least, missing))
        return found

    def starting(self, index: str, prefix: str, limit: int) -> list[str]:
        """List members by prefix, which all have the same number."""
        least = prefix.encode()
        found = self._client.zrangebylex(f"{PREFIX}z:{index}", b"[" + least, b"[" + least + b"\xff", 0, limit)
        return [member.decode() for member in found]

    def size(self, index: str) -> int:
        """Count the members of an index."""
        return int(self._client.zcard(f"{PREFIX}z:{index}"))

    def sums(self, keys: Sequence[str], fields: Sequence[str] | None = None) -> list[dict[str, float]]:
        """Read sums."""
        if not keys or (fields is not None and not fields):
            return [{} for _ in keys]
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            if fields is None:
                pipe.hgetall(f"{PREFIX}s:{key}")
            else:
                pipe.hmget(f"{PREFIX}s:{key}", fields)
        found = pipe.execute()
        if fields is not None:
            rows = (zip(fields, amounts, strict=True) for amounts in found)
            return [{field: float(amount) for field, amount in row if float(amount or 0)} for row in rows]
        return [{field.decode(): float(amount) for field, amount in one.items() if float(amount)} for one in found]
