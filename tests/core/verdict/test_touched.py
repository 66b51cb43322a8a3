"""Recognise the files that a push changes in failure lines."""

import pytest

from triggerbot.core.verdict.touched import touched


@pytest.mark.parametrize(
    "line",
    [
        "/builds/worker/app/pages/[user name].tsx:12: error TS2322",
        "in pages\\[user name].tsx.",
        "in [user name].tsx.",
        "see src/login.py.",
        "error: src\\login.py(12)",
        "D:\\a\\repo\\src\\login.py(12): error",
        "File 'login.py', line 3",
        "TEST-UNEXPECTED-FAIL | /login.py | it timed out",
    ],
)
def test_a_failure_names_a_file(line: str) -> None:
    """However paths are written there."""
    assert touched(["app/pages/[user name].tsx", "src/login.py"], ["something else", line])


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("docs/index.html", "/css/foo/index.html | assertion failed"),
        ("app/pages/[user name].tsx", "in other/[user name].tsx"),
        ("src/login.py", "test_login.py:3: AssertionError"),
        ("src/login.py", "error: src/auth/login.py:3"),
        ("setup.py", "File '/usr/lib/python3/site-packages/foo/setup.py', line 3"),
        ("src/app/other.py", "lib/app/login.py:3"),
        ("src/other.py", "src/login.py:3"),
        ("src/a.py", "a.py:1"),
        ("", "login.py"),
        ("src/login.py", ""),
    ],
)
def test_files_of_one_name(file: str, line: str) -> None:
    """As much of the path counts as both have; short names and names of a single folder are in many lines."""
    assert not touched([file], [line])


@pytest.mark.parametrize("line", ["tests/login/test_login.py::test_a - failed", "/w/tests/login/test_login.py:4: no"])
def test_a_file_beside_the_one_that_is_named(line: str) -> None:
    """A change of the folder may be what broke it."""
    assert touched(["tests/login/conftest.py"], [line])
    assert not touched(["tests/conftest.py", "tests/logout/conftest.py"], [line])
