"""Rate limits and the memory of answers, by themselves."""

import pytest

from tests.fakes.github import Clock
from triggerbot.systems.github.client import Etags
from triggerbot.systems.github.limits import Limits, is_limited, quota
from triggerbot.systems.http import Reply


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    """Make an answer; underscores in names stand for hyphens."""
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def exhausted(reset: float) -> Reply:
    """Make the answer that uses the primary limit up."""
    return reply(x_ratelimit_remaining="0", x_ratelimit_limit="5000", x_ratelimit_reset=str(int(reset)))


def test_accounts_are_apart(clock: Clock) -> None:
    """One account's limit holds up no other."""
    limits = Limits(clock)
    limits.note("a", exhausted(clock.now + 100))
    assert (limits.wait("a"), limits.wait("b")) == (100.0, 0.0)


def test_reset_of_a_wrong_clock(clock: Clock) -> None:
    """A reset in the past or far away, because clocks differ, is taken for a second or for little over an hour."""
    limits = Limits(clock)
    limits.note("past", exhausted(clock.now - 500))
    limits.note("far", exhausted(clock.now + 500_000))
    assert (limits.wait("past"), limits.wait("far")) == (1.0, 3900.0)


def test_clock_set_back(clock: Clock) -> None:
    """If our clock is set back by a day, limits do not hold everything up for a day."""
    limits = Limits(clock)
    limits.note("", exhausted(clock.now + 100))
    clock.now -= 86400
    assert limits.wait("") == 0.0
    limits.note("", exhausted(clock.now + 50))
    assert limits.wait("") == 50.0


def test_reports_leave_room_in_the_primary_limit(clock: Clock) -> None:
    """A day on which everything fails makes for many questions why: whoever reruns has to be able to look."""
    limits = Limits(clock)
    for left, wait in ((1001, 0.0), (999, 1800.0), (0, 1800.0)):
        limits.note("", reply(
            x_ratelimit_remaining=str(left), x_ratelimit_limit="5000", x_ratelimit_reset=str(int(clock.now + 1800))
        ))  # fmt: skip
        assert limits.wait("", report=True) == wait
        assert limits.wait("") == (1800.0 if left == 0 else 0.0)
    clock.now += 1801
    assert limits.wait("", report=True) == 0.0


def test_shorter_limit_does_not_shorten(clock: Clock) -> None:
    """Of two limits the longer one counts."""
    limits = Limits(clock)
    limits.note("", reply(429, retry_after="90"))
    limits.note("", reply(429, retry_after="10"))
    assert limits.wait("") == 90.0


def test_answers_under_way_together_count_once(clock: Clock) -> None:
    """Three refusals at once are one strike: the next limit is two minutes, not eight."""
    limits = Limits(clock)
    for _ in range(3):
        limits.note("", reply(403, b"secondary rate limit"))
    clock.now += limits.wait("")
    limits.note("", reply(403, b"secondary rate limit"))
    assert limits.wait("") == 120.0


def test_secondary_limit_grows_to_an_hour(clock: Clock) -> None:
    """However often, an hour is the longest wait."""
    limits = Limits(clock)
    for _ in range(20):
        limits.note("", reply(429))
        clock.now += limits.wait("")
    limits.note("", reply(429))
    assert limits.wait("") == 3600.0


@pytest.mark.parametrize(
    ("answer", "limited"),
    [
        (reply(429), True),
        (reply(403, b"API rate limit exceeded"), True),
        (reply(403, b"You have triggered an abuse detection mechanism"), True),
        (reply(403, retry_after="5"), True),
        (reply(403, b"Resource not accessible"), False),
        (reply(404, b"rate limit"), False),
        (reply(200, retry_after="5"), False),
    ],
)
def test_what_is_a_limit(answer: Reply, limited: bool) -> None:
    """A limit is told by status, headers and text together."""
    assert is_limited(answer) is limited


@pytest.mark.parametrize("left", ["", "-1", "many", "٣", "9" * 20])
def test_no_quota(left: str) -> None:
    """Headers that are no numbers say nothing."""
    assert quota(reply(x_ratelimit_remaining=left, x_ratelimit_limit="1", x_ratelimit_reset="2")) is None


def test_etags_forget_the_least_used() -> None:
    """Memory is bounded by bytes and by count; what was used last stays; what is too large is not kept."""
    etags = Etags(bytes_max=100, count_max=3)
    for name in "abc":
        etags.store(name, reply(body=b"x" * 20, etag=name))
    etags.known("a")
    etags.store("d", reply(body=b"x" * 20, etag="d"))
    etags.store("large", reply(body=b"x" * 26, etag="l"))
    etags.store("none", reply(body=b"x"))
    assert [name for name in ("a", "b", "c", "d", "large", "none") if etags.known(name)] == ["a", "c", "d"]
    etags = Etags(bytes_max=100, count_max=100)
    for name in "abcdefgh":
        etags.store(name, reply(body=b"x" * 25, etag=name))
        etags.store(name, reply(body=b"y" * 25, etag=name))
    assert [name for name in "abcdefgh" if etags.known(name)] == ["e", "f", "g", "h"]
