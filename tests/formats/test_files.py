"""Folders and archives are read within bounds; an archive is never unpacked."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.formats import Problem, content, files
from triggerbot.formats.files import NotReadable, under, zipped

#: All that there are.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def archive(method: int = zipfile.ZIP_DEFLATED, /, **entries: bytes) -> bytes:
    """Zip these files; in their names `__` stands for a dot."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as out:
        for name, data in entries.items():
            out.writestr(name.replace("__", "."), data)
    return made.getvalue()


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    """Files in it and below it; what may never end is left alone."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.xml").write_text("1")
    (tmp_path / "a.xml").write_text("22")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = list(under(str(tmp_path)))
    assert [one.name for one in found] == [f"{tmp_path}/a.xml", f"{tmp_path}/b/x.xml"]
    assert [content(one) for one in found] == [b"22", b"1"]
    assert [one.name for one in under(f"{tmp_path}/a.xml")] == [f"{tmp_path}/a.xml"]


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, or with too many files."""
    with pytest.raises(NotReadable, match=r"cannot read .*none: No such file"):
        list(under(f"{tmp_path}/none"))
    with pytest.raises(NotReadable, match="cannot read"):
        list(under("a\0b"))
    monkeypatch.setattr(files, "FILES_MAX", 1)
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    with pytest.raises(NotReadable, match="more than 1 files"):
        list(under(str(tmp_path)))


def test_an_archive_is_read_in_memory() -> None:
    """By the names in it, as far as they stay within."""
    data = archive(
        a__xml=b"1", **{"../b": b"2", "/etc/c": b"3", "d/../../e": b"4", "f\\g": b"5", "C:h": b"6", "i/j": b"7"}
    )
    found = zipped(data, "reports")
    assert [(one.name, content(one)) for one in found] == [("reports/a.xml", b"1"), ("reports/i/j", b"7")]


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files together have a bound, whatever their headers say."""
    found = zipped(archive(**{f"f{number}": bytes(60_000) for number in range(5)}), "bomb", 100_000)
    read = [content(one) for one in found]
    assert sum(len(one) for one in read if isinstance(one, bytes)) == 100_000
    assert isinstance(read[-1], Problem)
    monkeypatch.setattr(files, "FILES_MAX", 4)
    with pytest.raises(NotReadable, match="more than 4 files"):
        zipped(archive(**{f"f{number}": b"" for number in range(5)}), "many")


@pytest.mark.parametrize("method", METHODS)
def test_damage_to_what_is_compressed_is_a_problem(method: int) -> None:
    """However it is compressed."""
    data = bytearray(archive(method, a__xml=bytes(range(256)) * 4))
    place = data.index(b"a.xml") + 20
    data[place : place + 20] = b"\xff" * 20
    (one,) = zipped(bytes(data), "z")
    assert isinstance(content(one), Problem)


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 3), st.sampled_from(METHODS))
def test_whatever_an_archive_contains_is_read_or_named(noise: bytes, place: int, cut: int, method: int) -> None:
    """Damage raises nothing else."""
    data = archive(method, a__xml=b"<testsuite/>" * 10, b=b"x")
    for broken in (noise, data[:place] + noise + data[place + len(noise) :], data[: len(data) - cut], data + noise):
        try:
            found = zipped(broken, "z")
        except NotReadable:
            continue
        for one in found:
            assert isinstance(content(one), bytes | Problem)
