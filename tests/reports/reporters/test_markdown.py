"""A push as Markdown: what is told, in which order, within which limits, and that foreign text stays text."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.fakes.push_report import LINK, Clean, job, told
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Push
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.reports import PushReport
from triggerbot.reports.reporters import markdown
from triggerbot.store import JobRecord

HERE = Push("gh", "octo/app", "main", "0123456789abcdef0123456789abcdef01234567")
LINE = "tests/test_login.py::test_login: AssertionError: 1 != 2"
NEW = "y.py:9: quite another thing"
ROOM = 65_000
#: What tries to be more than a name.
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "`` ` @everyone ``` #12 octo/app#12",
    "a | b\n\n# heading\n- item\n> quote\n```\n<!-- -->",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example me@evil.example",
    "**bold** __x__ ~~y~~ \\` &lt;script&gt; &#64;dev",
    "`",
    "``x",
    "x` `` ```",
    "\u202egnp.exe\u200b\u2028@dev\u0000\x1b[31m",
    "   ",
    "x" * 300,
    "é" * 300,
    "\ud800",
)


def rendered(text: str) -> list[Token]:
    """Read Markdown as GitHub does as far as it matters: HTML allowed."""
    return MarkdownIt("commonmark", {"html": True}).parse(text)


def inline(text: str) -> list[Token]:
    """List the pieces of text, code, links, images and HTML."""
    return [piece for token in rendered(text) for piece in token.children or []]


def harmless(text: str) -> None:
    """Check that nothing foreign is anything but code: no HTML, no picture, no link elsewhere, nobody is pinged."""
    allowed = {"<sub>", "</sub>"}
    blocks = {token.type for token in rendered(text)}
    assert not blocks & {"html_block", "fence", "code_block", "blockquote_open", "table_open"}
    for piece in inline(text):
        assert piece.type != "image"
        assert piece.type != "html_inline" or piece.content in allowed
        if piece.type == "link_open":
            assert urlsplit(str(piece.attrs["href"])).hostname in ("ci.example", "triggerbot.example")
        if piece.type == "text":
            assert not re.search(r"[@#<`]|://|www\.", piece.content)


def sections(text: str) -> dict[str, list[str]]:
    """Part a page by its headings: what its items say, without addresses."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in re.sub(r"\]\([^)]*\)", "]", text).splitlines():
        if line.startswith("#### "):
            title = line[5:]
        elif line.startswith("- "):
            found.setdefault(title, []).append(line[2:])
    return found


NOTHING = "nothing is known of the job at other pushes"


def test_a_push() -> None:
    """Each job is told once under what it is, with its runs in a row, why, and what its failure says."""
    page = markdown.comment(
        told(
            HERE,
            job("CI / known", "OO", lines=["x.py:1: boom one"]),
            job("CI / new", "OOO", lines=[NEW]),
            job("CI / shaky", "OG"),
            job("CI / infra", "X"),
            job("CI / again", "O."),
            job("CI / good", "G"),
            fresh=frozenset({"CI / new"}),
        ),
        ROOM,
    )
    assert page.startswith("**Failing**: 2 jobs fail every time, 1 job met only infrastructure errors, 1 is intermitte")
    assert "`0123456789ab` on `main`" in page
    assert sections(page) == {
        "Failed, and not so on the base": [
            (
                "`CI / new` [O] [O] [O] every one of 3 runs failed, with the same failure in 3 of 3; "
                f"passes on the base (`ba5eba5eba5e`), fails here: `{NEW}`"
            )
        ],
        "Failed; nothing is known of the base": [
            "`CI / known` [O] [O] every one of 2 runs failed, with the same failure in 2 of 2: `x.py:1: boom one`"
        ],
        "Intermittent": [f"`CI / shaky` [O] [G] failed 1 and passed 1 of 2 at the same revision; {NOTHING}"],
        "Met only errors of the CI itself": ["`CI / infra` [X] the CI itself failed"],
        "Failed, and not judged yet": ["`CI / again` [O] [.] 1 running"],
    }
    assert f"[Everything about this push]({LINK})" in page
    assert "G passed" in page
    assert "(https://ci.example/1)" in page
    harmless(page)


def test_suspected_new() -> None:
    """An intermittent failure that the push may have brought stands out, and comes first."""
    page = markdown.comment(told(HERE, job("a", "OG"), job("b", "OG"), background=Clean()), ROOM)
    assert [entry[:24] for entry in sections(page)["Intermittent"]] == [
        "**Suspected new:** `a` [",
        "**Suspected new:** `b` [",
    ]


def test_one_cause() -> None:
    """A failure that several jobs show is told once, with its jobs; none of them is told again."""
    jobs = [job(f"CI / {name}", "OO", lines=[LINE]) for name in "cab"]
    page = markdown.comment(
        told(HERE, *jobs, job("CI / other", "O", lines=["z.py:3: IndexError: nothing"]), fresh=frozenset({"CI / b"})),
        ROOM,
    )
    parts = sections(page)
    [(title, entries), (_, others)] = parts.items()
    assert title == f"3 jobs fail alike, 1 of them new: `{LINE}`"
    assert [entry.partition(" [")[0] for entry in entries] == ["**New:** `CI / b`", "`CI / a`", "`CI / c`"]
    assert len(others) == 1
    assert page.count(LINE) == 1


def test_why_not_retriggered() -> None:
    """Why not is told at each job, and once in words with what a person can do."""
    page = markdown.comment(
        told(
            HERE,
            job("a", "O", refusal=Refusal.OVER_BUDGET),
            job("b", "O", refusal=Refusal.OVER_BUDGET),
            job("c", "X", refusal=Refusal.REFUSED_BY_CI, note="too old, @dev `x`"),
            job("d", "G", refusal=Refusal.HIDDEN),
            job("e", "O", refusal=Refusal.ALREADY_CLAIMED),
        ),
        ROOM,
    )
    parts = sections(page)
    assert (
        parts["Failed; nothing is known of the base"][0] == "`a` [O] its only run failed; not retriggered: over_budget"
    )
    assert parts["Met only errors of the CI itself"] == [
        "`c` [X] the CI itself failed; not retriggered: refused_by_ci (the CI says `` too old, @dev `x` ``)"
    ]
    budget, refused = parts["Why not retriggered"]
    assert budget.startswith("`over_budget` (2 jobs): So many jobs of this push failed")
    assert refused.startswith("`refused_by_ci` (1 job): ")
    harmless(page)


def test_all_is_well() -> None:
    """A push at which nothing fails says so and nothing else, also after an error of the CI itself."""
    page = markdown.comment(told(HERE, job("a", "G"), job("b", "XG")), ROOM)
    assert page.startswith("**All is well**: 2 passed.")
    assert sections(page) == {}
    assert "sub" not in page
    assert markdown.comment(told(HERE, job("a", "G"), link=""), ROOM).count("\n") == 3
    assert markdown.comment(told(HERE, job("a", "OG")), ROOM).startswith("**Good**: 1 is intermittent.")
    assert markdown.comment(told(HERE, job("a", ".")), ROOM).startswith("**Pending**: 1 is pending.")


def test_failing_tests() -> None:
    """Named where they are several, ten at most; once for jobs that fail alike."""

    def failing(name: str, number: int) -> JobRecord:
        tests = RunTests(5, number, failing=tuple(FailingTest(f"test_{one:02}", "boom") for one in range(number)))
        made = job(name, "OO")
        return replace(made, runs=tuple(replace(run, tests=tests) for run in made.runs))

    text = markdown.summary(told(HERE, failing("one", 1), failing("many", 12), job("untold", "OO")), ROOM)
    assert "`one`" in text
    assert "1 test" not in text
    assert "; 12 tests fail: `test_00`, `test_01`," in text
    assert "`test_09` and 2 more" in text
    text = markdown.summary(told(HERE, failing("a", 12), failing("b", 12)), ROOM)
    assert "2 jobs fail alike" in text
    assert text.count("12 tests fail: ") == 1


def test_answers() -> None:
    """What people asked is answered, whatever the push comes to."""
    page = markdown.comment(
        told(HERE, job("a", "G"), answers=[("comment:1", "Asked for 3 runs.\nOf `a`."), ("comment:2", "No.")]), ROOM
    )
    assert "#### Answers\n\n- Asked for 3 runs.\n  Of `a`.\n- No.\n" in page


def test_many_runs() -> None:
    """Of many runs the newest are shown, and those before are not hidden."""
    page = markdown.comment(told(HERE, job("a", "O" * 30)), ROOM)
    assert page.count("[O]") == 20
    assert "`a` … [O]" in page


def test_links() -> None:
    """Only addresses of the web are links, and none of them can end early."""
    for address in ("javascript:alert(1)", "", None, "https://ci.example/" + "x" * 600):
        assert markdown.link("O", address) == "O"
    for address in ("https://ci.example/a b)c](d\n<e>", 'http://ci.example/(x)?a=[1]#`é|"'):
        pieces = inline(markdown.link("O", address))
        assert [piece.type for piece in pieces] == ["link_open", "text", "link_close"]
    page = markdown.comment(told(HERE, job("a", "OO", url="javascript:alert({})")), ROOM)
    assert "`a` O O every one" in page


@given(st.sampled_from(HOSTILE) | st.text(max_size=400))
@example("`" * 200)
def test_code(text: str) -> None:
    """Whatever it is, it is one piece of code on one line, and no longer than may be."""
    [piece] = inline(f"- {markdown.code(text)} and")[:1]
    assert piece.type == "code_inline"
    assert 0 < len(piece.content) <= markdown.NAME_MAX
    assert "\n" not in markdown.code(text)


@pytest.mark.parametrize("foreign", HOSTILE)
def test_hostile_names(foreign: str) -> None:
    """Foreign text does no harm wherever it stands."""
    push = HERE._replace(branch=foreign)
    page = told(
        push,
        job(f"a{foreign}", "OO", lines=[foreign], url=f"https://ci.example/{foreign}"),
        job(f"b{foreign}", "OO", lines=[f"tests/test_a.py:12: {foreign}"]),
        job(f"c{foreign}", "OO", lines=[f"tests/test_a.py:12: {foreign}"]),
        job(f"d{foreign}", "X", refusal=Refusal.REFUSED_BY_CI, note=foreign),
    )
    harmless(markdown.comment(page, ROOM))
    harmless(markdown.summary(page, ROOM))


_LINES = ("tests/linux.py:3: AssertionError: ß", "tests/mac.py:9: KeyError: 'π'", "panicked at src/main.rs:5")


def crowd(number: int) -> PushReport:
    """Have many jobs that fail, in every way."""
    name = "CI / linux × " + "ö" * 200
    ways = ("O", "OOO" * 10, "OG", "X", "O.")
    jobs = [
        job(f"{name} {count}", ways[count % 5], lines=_LINES[count % 16 : count % 16 + 1],
            url="https://ci.example/" + "y" * 300 + "{}", refusal=Refusal.OVER_BUDGET)
        for count in range(number)
    ]  # fmt: skip
    return told(HERE, *jobs, fresh=frozenset(one.job for one in jobs[::2]), answers=[("w", "a" * 70_000)])


def _number(more: str) -> int:
    return int(re.sub(r"\D", "", more))


def test_a_thousand_jobs() -> None:
    """Many jobs stay within the limit: each part says how many more there are, and links to all."""
    page = crowd(1000)
    for text in (markdown.summary(page, ROOM), markdown.comment(page, ROOM)):
        assert len(text) <= markdown.size(text) <= ROOM
        parts = sections(text)
        del parts["Why not retriggered"]
        assert len(parts) == 3 + 5 + 1
        assert all(entries[-1].startswith("and [") for entries in parts.values())
        assert sum(_number(entries[-1]) + len(entries) - 1 for entries in parts.values()) == 1000 + 1
        assert re.search(r"- and \[\d+ more\]\(https://triggerbot.example/", text)
        assert text.endswith("</sub>\n")
        harmless(text)


def test_shorter_where_people_talk() -> None:
    """A comment names twenty jobs of each part, a summary a hundred."""
    page = told(HERE, *(job(f"a{number:03}", "O") for number in range(120)))
    for text, shown in ((markdown.comment(page, ROOM), 20), (markdown.summary(page, ROOM), 100)):
        assert len(sections(text)["Failed; nothing is known of the base"]) == shown + 1
        assert f"and [{120 - shown} more](" in text


@given(st.integers(1000, 20_000), st.integers(0, 60))
def test_any_limit(most: int, number: int) -> None:
    """No page is longer than it may be."""
    assert markdown.size(markdown.summary(crowd(number), most)) <= most


def test_what_a_reader_can_do() -> None:
    """Where people may ask in comments, that is what they are told to do; where they may not, it is the command."""
    failed = told(HERE, job("CI / test", "O", refusal=Refusal.OVER_BUDGET))
    assert "`@triggerbot retry JOB` asks for it by hand" in markdown.comment(failed, ROOM, "triggerbot")
    assert "`triggerbot retrigger` asks for it by hand" in markdown.comment(failed, ROOM)
    calm = told(HERE, job("CI / test", "G"))
    assert "@triggerbot" not in markdown.comment(calm, ROOM, "triggerbot")


def test_asked_for_after_all() -> None:
    """What was refused and then asked for by a person was retriggered: that it was not is no news."""
    refused = job("CI / test", "OO", refusal=Refusal.OVER_BUDGET)
    by_hand = replace(refused.claims[0], state=ClaimState.DONE, refusal=None, cause=Cause.MANUAL, origin="wish:1")
    page = markdown.comment(told(HERE, replace(refused, claims=(*refused.claims, by_hand))), ROOM)
    assert "over_budget" not in page
    assert "over_budget" in markdown.comment(told(HERE, refused), ROOM)
    too_old = replace(by_hand, state=ClaimState.REFUSED, refusal=Refusal.REFUSED_BY_CI, note="over a month ago")
    page = markdown.comment(told(HERE, replace(refused, claims=(*refused.claims, too_old))), ROOM)
    assert "not retriggered: refused_by_ci (the CI says `over a month ago`)" in page
