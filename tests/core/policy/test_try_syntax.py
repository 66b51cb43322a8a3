"""What a commit message asks for: every option, and everything that is not meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.policy.try_syntax import EVERY, PushOptions, read

GROUPS = ("talos", "web-platform")


@pytest.mark.parametrize(
    ("message", "rebuild"),
    [
        ("try: -b o -p linux --rebuild 5", {EVERY: 5}),
        ("try: --rebuild=5", {EVERY: 5}),
        ("try: --rebuild 005", {EVERY: 5}),
        ("a change\n\ntry: --rebuild 2\nmore", {EVERY: 2}),
        ("words before try: --rebuild 2", {EVERY: 2}),
        ('"try: --rebuild 2"', {EVERY: 2}),
        ('  "try: -u all --rebuild 2"  ', {EVERY: 2}),
        ("try: -u mochitests[x86, --rebuild 7] --rebuild 2", {EVERY: 2}),
        ("try: -u [never closed --rebuild 2", {EVERY: 2}),
        ("try: -u closed] --rebuild 2", {EVERY: 2}),
        ("try: --rebuild-talos 3", {"talos": 3}),
        ("try: --rebuild-web-platform 3 --rebuild 1", {"web-platform": 3, EVERY: 1}),
        ("try: --rebuild-others 3", {}),
        ("try: --rebuild-* 3", {}),
        ("try: --rebuilds 3", {}),
        ("try: -rebuild 3", {}),
        ("triggerbot: --rebuild 4", {EVERY: 4}),
        ("line\ntriggerbot: --rebuild 4\r\nline", {EVERY: 4}),
        ("line\rtriggerbot: --rebuild 4", {EVERY: 4}),
        ("not at the start triggerbot: --rebuild 4", {}),
        ("triggerbot:--rebuild 4", {}),
        ("try: --rebuild 1\ntry: --rebuild 9", {EVERY: 1}),
        ("try: --rebuild 1\ntriggerbot: --rebuild 9", {EVERY: 9}),
        ("retry: --rebuild 3", {}),
        ("registry: fix push --rebuild 3", {}),
        ("registry: fix push\n\ntry: --rebuild 5", {EVERY: 5}),
        ("Fix retry: do not pass --no-retry\n\ntry: --rebuild 5", {EVERY: 5}),
        ("Fix retry: try: --rebuild 5", {EVERY: 5}),
        ("entr\xe9try: --rebuild 3", {}),
        ("3try: --rebuild 3", {}),
        ("(try: --rebuild 3", {EVERY: 3}),
        ("[try: --rebuild 3", {EVERY: 3}),
        ("-try: --rebuild 3", {EVERY: 3}),
        ('"retry: try: --rebuild 2"', {EVERY: 2}),
        ("xtriggerbot: --rebuild 3", {}),
        ("try:--rebuild 3", {}),
        ("TRY: --rebuild 3", {}),
        ("--rebuild 3", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_a_message_asks_for_rebuilds(message: str | None, rebuild: dict[str, int]) -> None:
    """The first line with `try: ` counts, and every line that starts with `triggerbot: `."""
    assert rebuild == read(message, GROUPS).rebuild


@pytest.mark.parametrize(
    "number",
    [
        "-3",
        "x",
        "0",
        "00",
        "1.5",
        "1e3",
        "+3",
        "３",
        "٣",
        "²",
        "3x",
        "0x10",
        "1_000",
        "",
        "' 3'",
        "--",
        "-" * 5000,
        "é",
    ],
)
def test_a_bad_number_is_ignored_and_reported(number: str) -> None:
    """What is no whole number from 1 asks for nothing, and the push is told."""
    asks = read(f"try: --rebuild {number}", GROUPS)

    assert asks.rebuild == {}
    assert len(asks.problems) == 1
    assert "--rebuild" in asks.problems[0]
    assert len(asks.problems[0]) < 200


@pytest.mark.parametrize("number", ["99999999999", "9" * 5000, "0" * 5000 + "7" + "0" * 5000])
def test_a_huge_number_is_as_many_as_are_allowed(number: str) -> None:
    """No number, of however many digits, raises; each is beyond any cap."""
    asks = read(f"try: --rebuild {number}")

    assert asks.problems == ()
    assert asks.wanted([EVERY]) >= 10**9


def test_a_number_in_many_leading_zeros_is_itself() -> None:
    """Zeros in front count for nothing, however many."""
    assert read("try: --rebuild " + "0" * 10_000 + "3").rebuild == {EVERY: 3}


def test_an_option_after_a_missing_number_is_still_read() -> None:
    """`--rebuild` does not swallow the option behind it."""
    asks = read("try: --rebuild --no-retry --rebuild-talos --retry", GROUPS)

    assert (asks.no_retry, asks.retry, asks.rebuild, len(asks.problems)) == (True, True, {}, 2)


@pytest.mark.parametrize(
    ("message", "no_retry", "retry", "dontbuild"),
    [
        ("try: --no-retry", True, False, False),
        ("Fix retry: do not pass --no-retry", False, False, False),
        ("try: --retry", False, True, False),
        ("triggerbot: --no-retry", True, False, False),
        ("try: --no-retry=1", False, False, False),
        ("try: --no-retries", False, False, False),
        ("try: [--no-retry]", False, False, False),
        ("--no-retry", False, False, False),
        ("a change DONTBUILD", False, False, True),
        ("a change\n\n(DONTBUILD)", False, False, True),
        ("dontbuild", False, False, False),
        ("try: --retry --no-retry DONTBUILD", True, True, True),
    ],
)
def test_a_message_asks_for_retries_or_none(message: str, no_retry: bool, retry: bool, dontbuild: bool) -> None:
    """`--no-retry` and `--retry` count in the lines for options; DONTBUILD anywhere."""
    asks = read(message)

    assert (asks.no_retry, asks.retry, asks.dontbuild) == (no_retry, retry, dontbuild)


def test_unknown_options_belong_to_others() -> None:
    """What is not ours is neither an ask nor a problem."""
    assert read("try: -b do -p all -u all[10.6] -t none --artifact --spsProfile --rebuild-nightly 3") == PushOptions()


def test_complaints_are_few_and_short() -> None:
    """A hostile message cannot fill the push's page."""
    asks = read("try: " + ("--rebuild " + "x" * 1000 + " ") * 1000)

    assert len(asks.problems) == 10
    assert max(map(len, asks.problems)) < 200


def test_a_groups_own_number_goes_first() -> None:
    """For a job of groups the largest own number holds; the number for all only where there is none."""
    asks = PushOptions({EVERY: 9, "talos": 2, "perf": 4})

    assert asks.wanted({EVERY, "talos", "perf"}) == 4
    assert asks.wanted({EVERY, "talos"}) == 2
    assert asks.wanted({EVERY}) == 9
    assert asks.wanted(set()) == 0


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    ["[", "]", "[]", "[ ", "] ", "[[]] ", "triggerbot: ", "triggerbot: \n", "\ntriggerbot: --rebuild x", "try: ",
     "try: [", " ", "\t", "\r", "\r\n", '"', "--rebuild ", "--rebuild [", "--rebuild-talos=", "\x00",
     "\u2028", "é ", "a", "0"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1_000_000, pytest.param(4_000_000, marks=pytest.mark.slow)])
def test_a_hostile_message_is_read_at_once(piece: str, size: int) -> None:
    """Megabytes of brackets, markers or spaces are read in linear time: none of these takes long."""
    if size > 1_000_000 and piece == "]":
        size = 10_000_000
    text = "try: " + piece * (size // len(piece))

    asks = read(text + " ] --no-retry", GROUPS)

    assert len(asks.problems) <= 10


NUMBERS = st.integers(min_value=1, max_value=999_999_999)
ASKS = st.builds(
    PushOptions,
    rebuild=st.dictionaries(st.sampled_from([EVERY, *GROUPS]), NUMBERS),
    retry=st.booleans(),
    no_retry=st.booleans(),
    dontbuild=st.booleans(),
)


def write(asks: PushOptions, marker: str) -> str:
    """Write what a message would say to ask for this."""
    options = [
        *(f"--rebuild {n}" if name == EVERY else f"--rebuild-{name} {n}" for name, n in asks.rebuild.items()),
        *["--retry"] * asks.retry,
        *["--no-retry"] * asks.no_retry,
        *["DONTBUILD"] * asks.dontbuild,
    ]
    return marker + " ".join(options)


@given(ASKS, st.sampled_from(["try: ", "triggerbot: ", "try: -b o -u all[x y] "]))
def test_what_is_written_is_read(asks: PushOptions, marker: str) -> None:
    """What can be asked for can be written, and reads the same."""
    assert read(write(asks, marker), GROUPS) == asks


WORDS = st.sampled_from(
    ["try: ", "triggerbot: ", "--rebuild", "--rebuild-talos", "--no-retry", "--retry", "DONTBUILD", " ", "=", "3", "x",
     "0", "[", "]", '"', "\n", "\r\n", "é"]
)  # fmt: skip
MESSAGES = st.one_of(st.text(), st.lists(WORDS, max_size=30).map("".join))


@given(MESSAGES)
def test_what_is_read_prints_back(message: str) -> None:
    """Reading never fails on any text, and what it accepts is the same when written out and read again."""
    asks = read(message, GROUPS)

    again = read(write(asks, "triggerbot: "), GROUPS)

    assert (again.rebuild, again.retry, again.no_retry) == (asks.rebuild, asks.retry, asks.no_retry)
    assert all(number >= 1 for number in asks.rebuild.values())


@given(MESSAGES)
def test_a_carriage_return_changes_nothing(message: str) -> None:
    """Line ends of any system read alike."""
    text = message.replace("\r", "")

    assert read(text.replace("\n", "\r\n"), GROUPS) == read(text, GROUPS)
