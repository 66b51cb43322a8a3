"""Messages from a real queue to the store: recorded, then acknowledged, whatever their content."""

from collections.abc import Callable

import pytest

from tests.fakes.daemon import eventually
from tests.fakes.rabbit import Broker
from tests.service.pulse.consumer import Consumer, canonical_event
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Heard
from triggerbot.store import Outcome

Consume = Callable[..., Consumer]


def drained(broker: Broker, consumer: Consumer) -> None:
    """Stop, and check that every message was acknowledged."""
    consumer.stop()
    assert broker.depth() == 0


def test_messages_are_recorded_and_acknowledged(broker: Broker, consume: Consume) -> None:
    """Nothing is left in the queue, and nothing is missing in the store."""
    consumer = consume()
    broker.publish(*(canonical_event(number) for number in range(600)))
    consumer.wait_for_runs(*range(600))

    drained(broker, consumer)
    assert consumer.system.exchanges == {broker.exchange}


def test_what_came_while_nobody_consumed_is_there(broker: Broker, consume: Consume) -> None:
    """The queue is durable: it outlives its consumer."""
    consume().stop()
    broker.publish(*(canonical_event(number) for number in range(50)))
    consumer = consume()
    consumer.wait_for_runs(*range(50))
    assert consumer.gaps == 0


def test_several_bindings(broker: Broker, consume: Consume) -> None:
    """A queue receives of every exchange that it is bound to, and only with the keys that it is bound by."""
    other = f"{broker.exchange}/other"
    broker.make_exchange(other)
    consumer = consume(bindings=[(broker.exchange, "a.#"), (broker.exchange, "*.z"), (other, "#")])
    broker.publish(canonical_event(1), key="a.b.c")
    broker.publish(canonical_event(2), key="b.c")
    broker.publish(canonical_event(3), key="b.z")
    broker.publish(canonical_event(4), key="whatever", exchange=other)
    consumer.wait_for_runs(1, 3, 4)


def test_a_list_of_events_and_an_empty_message(broker: Broker, consume: Consume) -> None:
    """An empty message becomes a dead letter that says so."""
    consumer = consume()
    broker.publish(b"", canonical_event(1))
    consumer.wait_for_runs(1)
    (letter,) = consumer.letters(1)
    assert letter.body == b""


POISON = [
    b"no json",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"project": "try"}',
    b'"\\ud800"',
]


def test_what_cannot_be_understood_becomes_a_dead_letter(broker: Broker, consume: Consume) -> None:
    """With its body, its headers, where it came from and what is wrong; its neighbours are recorded."""
    consumer = consume()
    for number, body in enumerate(POISON):
        broker.publish(canonical_event(number), body, key=f"key.{number}", application_headers={"x-sent-by": "a test"})

    letters = consumer.letters(len(POISON))
    assert sorted(letter.body for letter in letters) == sorted(POISON)
    for letter in letters:
        assert (letter.system, letter.intake) == ("ci", "pulse")
        assert letter.reason
        assert letter.headers["exchange"] == broker.exchange
        assert letter.headers["routing_key"].startswith("key.")
        assert letter.headers["x-sent-by"] == "a test"
    consumer.wait_for_runs(*range(len(POISON)))
    drained(broker, consumer)


BUGS: list[Exception] = [
    ValueError("a bug"),
    TimeoutError("a bug"),
    OSError("a bug"),
    ConnectionError("a bug"),
    RecursionError("a bug"),
    MemoryError("a bug"),
    KeyError("a bug \ud800"),
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_bug_in_reading_is_the_message_s_own(broker: Broker, consume: Consume, bug: Exception) -> None:
    """Even an exception that the AMQP library would take for a connection error."""
    consumer = consume(faults={"2": bug})
    broker.publish(*(canonical_event(number) for number in range(5)))

    (letter,) = consumer.letters(1)
    assert type(bug).__name__ in letter.reason
    consumer.wait_for_runs(0, 1, 3, 4)
    assert consumer.connected
    drained(broker, consumer)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_bug_in_observing_is_the_message_s_own(
    broker: Broker, consume: Consume, bug: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is taken apart: one dead letter, and everything else recorded."""
    consumer = consume()
    triage = consumer.observer.triage

    def broken(item: Heard) -> object:
        if getattr(item, "run_id", "") == "2":
            raise bug
        return triage(item)

    monkeypatch.setattr(consumer.observer, "triage", broken)
    broker.publish(*(canonical_event(number) for number in range(5)))

    (letter,) = consumer.letters(1)
    assert type(bug).__name__ in letter.reason
    consumer.wait_for_runs(0, 1, 3, 4)
    drained(broker, consumer)


@pytest.mark.slow
def test_nothing_is_acknowledged_while_the_store_is_down(
    broker: Broker, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker keeps what cannot be stored, and no more than the prefetch is taken."""
    consumer = consume(prefetch=10)
    down = True
    submit = consumer.store.observe_soon
    tried: list[int] = []

    def sometimes(*arguments: object, **named: object) -> object:
        tried.append(1)
        if down:
            raise StoreUnavailable("the disk is full")
        return submit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(consumer.store, "observe_soon", sometimes)
    broker.publish(*(canonical_event(number) for number in range(100)))
    eventually(lambda: len(tried) >= 3, "it tries again")
    assert consumer.connected
    assert broker.depth() == 90
    assert consumer.runs() == set()
    down = False
    consumer.wait_for_runs(*range(100))
    drained(broker, consumer)


@pytest.mark.slow
def test_dead_letters_wait_for_the_store_too(broker: Broker, consume: Consume, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that cannot be read is not lost either."""
    consumer = consume()
    add_dead_letters = consumer.store.letters.add
    tried: list[int] = []

    def sometimes(letters: object) -> None:
        tried.append(1)
        if len(tried) < 3:
            raise StoreUnavailable("the disk is full")
        add_dead_letters(letters)  # type: ignore[arg-type]

    monkeypatch.setattr(consumer.store.letters, "add", sometimes)
    broker.publish(b"no json")
    consumer.letters(1)
    drained(broker, consumer)
    assert len(consumer.store.letters.read()) == 1


def test_a_message_that_is_delivered_again_changes_nothing(
    broker: Broker, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks between commit and acknowledgement, so that everything is delivered again."""
    consumer = consume()
    observe = consumer.observer.observe_soon
    outcomes: list[Outcome] = []
    unanswered: list[int] = []

    def watched(items: list[Heard], **named: object) -> object:
        stored = observe(items)
        outcomes.extend(stored.result())
        if len(outcomes) == 20:
            # Earlier batches may be acknowledged already.
            unanswered.append(len(items))
            broker.hang_up()
        return stored

    monkeypatch.setattr(consumer.observer, "observe_soon", watched)
    broker.publish(*(canonical_event(number, result="failure") for number in range(20)))
    eventually(lambda: unanswered and len(outcomes) >= 20 + unanswered[0], "the messages come again")
    assert sum(outcome.claimed for outcome in outcomes) == 20
    eventually(lambda: consumer.connected, "it is connected again")
    drained(broker, consumer)
