"""Where files are: folders, and zip archives, which are read without being unpacked. Both within bounds."""

import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from triggerbot.formats import FILE_MAX, File

#: Files of a folder or an archive, and bytes that the files of an archive are inflated to, all together.
FILES_MAX, INFLATED_MAX = 20_000, 256 * 1024 * 1024
#: Begins the entry of a file in the directory of an archive.
_ENTRY = b"PK\x01\x02"


class NotReadable(Exception):
    """A path or an archive cannot be read; the message says why."""


def under(path: str) -> Iterator[File]:
    """Yield a file, or the files in a folder, by the names under which whoever gave the path can open them.

    Raises:
        NotReadable: there is none, or there are too many.
    """
    place = Path(path)
    try:
        is_folder = stat.S_ISDIR(place.stat().st_mode)
    except (OSError, ValueError) as error:
        raise NotReadable(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    found = _walk(place) if is_folder else iter([place])
    for number, one in enumerate(found):
        if number >= FILES_MAX:
            raise NotReadable(f"{path} has more than {FILES_MAX} files")
        if (file := _file(one)) is not None:
            yield file


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def _file(path: Path) -> File | None:
    """Return a regular file: others may never end."""
    try:
        status = path.stat()
    except OSError:
        return None
    return File(path.as_posix(), status.st_size, partial(_read, path)) if stat.S_ISREG(status.st_mode) else None


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


class _Archive:
    """An archive in memory, and how much may still be inflated."""

    def __init__(self, data: bytes, most: int) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._most = self._left = most

    def entries(self) -> Sequence[zipfile.ZipInfo]:
        return self._zip.infolist()

    def read(self, entry: zipfile.ZipInfo, most: int) -> bytes:
        if self._left <= 0:
            raise OSError(f"the archive inflates to more than {self._most >> 20} MiB")
        try:
            with self._zip.open(entry) as file:
                data = file.read(min(most, self._left))
        except (
            zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, ValueError,
        ) as error:  # fmt: skip
            # RuntimeError: encrypted; NotImplementedError: a compression that is not known here.
            raise OSError(str(error)) from None
        self._left -= len(data)
        return data


def zipped(data: bytes, name: str, most: int = INFLATED_MAX) -> list[File]:
    """Return the files of a zip archive, named below `name`; `most`: bytes that all of them are inflated to.

    Their names are only names, nothing is written; those that point out of the archive are left out. Raises
    `NotReadable`.
    """
    if data.count(_ENTRY) > FILES_MAX:
        raise NotReadable(f"{name} has more than {FILES_MAX} files")
    try:
        archive = _Archive(data, most)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError) as error:
        raise NotReadable(f"{name} is no zip archive that can be read: {error}") from None
    return [
        File(f"{name}/{entry.filename}", entry.file_size, partial(archive.read, entry))
        for entry in archive.entries()
        if not entry.is_dir() and entry.file_size <= FILE_MAX and _is_inside(entry.filename)
    ]


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and "\\" not in path and ".." not in path.split("/") and ":" not in path[:2]
