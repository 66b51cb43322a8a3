"""What every store promises of branches that are reported as a whole."""

from triggerbot.core.model import Branch
from triggerbot.store import Store
from triggerbot.store.branches import REST, BranchRecord, Silence

MAIN, BETA = Branch("ci", "try", "main"), Branch("ci", "try", "beta")
SILENCE = Silence("abc1234", "a@example.org", 5.0)


def take(store: Store, now: float) -> BranchRecord | None:
    """Take what is due, for a minute."""
    return store.branches.take(now, 60.0)


def test_news_makes_due_once(store: Store) -> None:
    """However often something came; while it is taken nobody else gets it, and what was lost comes back."""
    store.branches.news(MAIN, 10.0)
    store.branches.news(MAIN, 11.0)

    taken = take(store, 12.0)

    assert taken is not None
    assert taken.branch == MAIN
    assert take(store, 20.0) is None
    assert take(store, 73.0) is not None


def test_it_rests_between_two_looks(store: Store) -> None:
    """A busy push has news all the time; the first news is looked at at once."""
    store.branches.news(MAIN, 10.0)
    taken = take(store, 10.0)
    assert taken is not None
    store.branches.end(taken, None, 11.0)
    assert take(store, 1000.0) is None

    store.branches.news(MAIN, 12.0)

    assert take(store, 11.0 + REST - 1) is None
    assert take(store, 11.0 + REST) is not None


def test_news_while_it_is_taken_is_not_lost(store: Store) -> None:
    """What came after the branch was read makes it due again; a wait of its own ends with it."""
    store.branches.news(MAIN, 10.0)
    taken = take(store, 10.0)
    store.branches.news(MAIN, 11.0)
    assert taken is not None

    store.branches.end(taken, 5000.0, 12.0)

    assert take(store, 12.0 + REST) is not None


def test_what_reporters_keep(store: Store) -> None:
    """Each its own, for each branch."""
    store.branches.news(MAIN, 1.0)
    store.branches.keep(MAIN, "slack:C1", "one")
    store.branches.keep(MAIN, "github:gh", "two")
    store.branches.keep(BETA, "slack:C1", "three")

    assert store.branches.read(MAIN).kept == {"slack:C1": "one", "github:gh": "two"}
    assert store.branches.read(BETA).kept == {"slack:C1": "three"}


def test_silence(store: Store) -> None:
    """It is stored with who wanted it, and the branch is due for reports to follow; so it is when it ends."""
    store.branches.silence(MAIN, "linux-1", SILENCE, 5.0)

    taken = take(store, 5.0)
    assert taken is not None
    assert taken.silenced == {"linux-1": SILENCE}
    store.branches.end(taken, None, 6.0)
    store.branches.silence(MAIN, "linux-1", SILENCE, 7.0)
    assert take(store, 100.0) is None

    store.branches.silence(MAIN, "linux-1", None, 101.0)
    assert take(store, 101.0) is not None
    assert store.branches.read(MAIN).silenced == {}


def test_what_is_silenced_meanwhile_stays(store: Store) -> None:
    """Streaks that ended lose their silence, but not one that somebody wants since the branch was read."""
    store.branches.silence(MAIN, "a", SILENCE, 5.0)
    store.branches.silence(MAIN, "b", SILENCE, 5.0)
    before = store.branches.read(MAIN).silenced
    newer = Silence("fff0000", "b@example.org", 6.0)
    store.branches.silence(MAIN, "b", newer, 6.0)
    store.branches.silence(MAIN, "c", newer, 6.0)

    store.branches.settle(MAIN, before, {})

    assert store.branches.read(MAIN).silenced == {"b": newer, "c": newer}


def test_known_and_forgotten(store: Store) -> None:
    """The branches with news are listed, the latest first, until nothing came of them for the retention."""
    store.branches.news(MAIN, 10.0)
    store.branches.news(BETA, 20.0)
    assert store.branches.known() == [BETA, MAIN]

    store.purge(15.0)

    assert store.branches.known() == [BETA]
    assert store.branches.read(MAIN) == BranchRecord(MAIN)
    taken = take(store, 30.0)
    assert taken is not None
    assert taken.branch == BETA


def test_the_clock_was_set_back(store: Store) -> None:
    """What is due in a far future of the old clock is due as much earlier."""
    store.branches.news(MAIN, 10_000.0)
    assert store.set_back(9_000.0, 1_000.0) == 1

    assert take(store, 1_000.0) is not None
