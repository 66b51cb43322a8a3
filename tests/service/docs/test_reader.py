"""The reader detects each wrong statement of a page."""

from pathlib import Path

import pytest

from .blocks import read
from .forms import differences
from .reader import Reader
from .worlds import stage

WRONG = {
    "a command that fails": "```sh\nfalse\necho well\n```",
    "a failure within a pipe": "```sh\nfalse | cat\n```",
    "a variable that nobody has set": '```sh\necho "$NOBODY"\n```',
    "something that it does not say": "<!-- shows: yes -->\n```sh\necho no\n```",
    "another exit code": "<!-- exit: 1 -->\n```sh\nexit 2\n```",
    "a key that there is not": "```yaml\nrules: [{projects: [a], retrys: 1}]\n```",
    "a fragment of nothing": "<!-- fragment -->\n```yaml\ncap: {service: 1}\n```",
    "an event without a job": '<!-- event -->\n```json\n{"project": "try"}\n```',
    "JSON that is none": "```json\n{'a': 1}\n```",
    "a request that is none": "<!-- message -->\n```text\ntry: --rebuild many\n```",
    "Python that fails": "```python\nraise SystemExit(1)\n```",
    "a language that nobody executes": "```text\nanything\n```",
    "no reason": "<!-- not run -->\n```text\nanything\n```",
    "a comment that nobody knows": "<!-- show: yes -->\n```sh\necho yes\n```",
    "something that never happens": "<!-- then: pigs fly -->",
    "a block without an end": "```sh\necho",
}


def follow(text: str, directory: Path) -> None:
    """Read a page of this text."""
    page = directory / "page.md"
    page.write_text(text)
    with stage("page.md", directory) as made, Reader(made, directory / "bin" / "triggerbot") as reader:
        for part in read(page):
            reader.do(part)


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_not_so_is_noticed(text: str, tmp_path: Path) -> None:
    """Each sort of block can be wrong."""
    with pytest.raises(Exception):  # noqa: B017 - any error will do
        follow(text, tmp_path)


def test_blocks_are_done_in_one_terminal(tmp_path: Path) -> None:
    """Variables and the directory last from one block to the next, and files are written where one is."""
    follow(
        "```sh\nmkdir 'a b' && cd 'a b'\nname=world\n```\n<!-- file: hello -->\n```json\n[1]\n```\n"
        '<!-- shows: [1] world -->\n```sh\necho "$(cat hello) $name"\n```',
        tmp_path,
    )


def test_what_may_differ_in_an_answer() -> None:
    """Values may; keys and types may not, unless nothing is known of them."""
    assert list(differences({"a": 1, "b": [], "c": None}, {"a": 2.5, "b": ["x"], "c": "d"})) == []
    assert list(differences({"a": 1, "…": 1}, {"a": 1, "b": 2})) == []
    assert list(differences({"a": 1}, {"a": 1, "b": 2})) != []
    assert list(differences({"a": [{"b": 1}]}, {"a": [{"b": "1"}]})) != []
    assert list(differences({"a": True}, {"a": 1})) != []
