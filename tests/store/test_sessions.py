"""Sessions of people at the pages: what every store promises."""

from collections.abc import Callable

from triggerbot.store import Store


def test_a_session_is_open_until_its_time_is_over(store: Store, reopen: Callable[[], Store]) -> None:
    """In another process, too; one that nobody opened is not."""
    store.sessions.begin("a", 100.0)
    again = reopen()

    assert again.sessions.is_open("a", 99.9)
    assert not again.sessions.is_open("a", 100.0)
    assert not again.sessions.is_open("b", 0.0)
    assert not again.sessions.is_open("", 0.0)


def test_a_session_ends_alone(store: Store) -> None:
    """Ending it twice, or one that nobody opened, changes nothing."""
    store.sessions.begin("a", 100.0)
    store.sessions.begin("b", 100.0)
    for name in ("a", "a", "c"):
        store.sessions.end(name)

    assert not store.sessions.is_open("a", 0.0)
    assert store.sessions.is_open("b", 0.0)


def test_old_sessions_are_forgotten(store: Store) -> None:
    """With everything else that is older than the retention."""
    store.sessions.begin("a", 100.0)
    store.sessions.begin("b", 200.0)
    store.purge(150.0)

    assert not store.sessions.is_open("a", 0.0)
    assert store.sessions.is_open("b", 0.0)
