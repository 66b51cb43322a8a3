"""Who may not use the file of the store is told why, and what to do: SQLite itself says neither."""

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from triggerbot.core.errors import StoreUnusable
from triggerbot.store.factory import open_store

#: The user whom every Unix has, and who owns nothing.
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everybody may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be another user, as far as files are concerned."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def refusal(path: Path, *, must_exist: bool = False, daemon: bool = False) -> str:
    """Open a store that cannot be opened; what is said."""
    with pytest.raises(StoreUnusable) as refused:
        open_store(f"sqlite:{path}", must_exist=must_exist, daemon=daemon).close()
    return str(refused.value)


def mine() -> str:
    """My name."""
    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize(("where", "words"), [
    (".", "it is a directory: name a file in it as `store`"),
    ("missing/state.db", "No such file or directory"),
    ("a-file/state.db", "Not a directory"),
    ("a-file", "it is no SQLite database: name another file as `store`, or put a backup in its place"),
])  # fmt: skip
def test_what_is_no_store(tmp_path: Path, where: str, words: str) -> None:
    """One sentence, with no number of an error in it."""
    (tmp_path / "a-file").write_bytes(b"something else" * 100)

    assert refusal(tmp_path / where) == f"cannot open the store {tmp_path / where}: {words}"


@as_root
@pytest.mark.parametrize("daemon", [True, False])
def test_the_store_of_another_user(public: Path, *, daemon: bool) -> None:
    """Whoever runs it is told whose it is."""
    path = public / "state.db"
    open_store(f"sqlite:{path}").close()
    public.chmod(0o777)

    with somebody_else():
        said = refusal(path, must_exist=True, daemon=daemon)

    me = pwd.getpwuid(NOBODY).pw_name
    assert said == (
        f"cannot open the store {path}: {path} belongs to root (mode 0600), and this runs as {me}: run this as root"
    )


@as_root
def test_a_directory_that_is_closed(public: Path) -> None:
    """Not even whether the store is there can be told."""
    (public / "own").mkdir(mode=0o700)
    path = public / "own" / "state.db"

    with somebody_else():
        for must_exist in (True, False):
            said = refusal(path, must_exist=must_exist)
            assert f"{public / 'own'} belongs to root (mode 0700)" in said
            assert said.endswith("run this as root, or name another file as `store`")


@as_root
@pytest.mark.parametrize("suffix", ["-lock", "-daemon"])
def test_a_lock_that_another_user_left(public: Path, suffix: str) -> None:
    """As when root once ran a command on the store of a service: root is not who should run it."""
    path = public / "state.db"
    os.chown(public, NOBODY, NOBODY)
    with somebody_else():
        open_store(f"sqlite:{path}").close()
    lock = public / f"state.db{suffix}"
    lock.touch()
    lock.chmod(0o600)
    os.chown(lock, 0, 0)

    with somebody_else():
        said = refusal(path, daemon=True)

    assert f"{lock} belongs to root (mode 0600)" in said
    assert said.endswith("give it to that user (chown)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize(("which", "mode"), [("state.db", 0o400), ("state.db-lock", 0o000), (".", 0o500)])
def test_ones_own_store_with_a_wrong_mode(tmp_path: Path, which: str, mode: int) -> None:
    """The mode is what is wrong."""
    path = tmp_path / "state.db"
    open_store(f"sqlite:{path}").close()
    (tmp_path / which).chmod(mode)
    try:
        said = refusal(path) if which != "." else refusal(tmp_path / "other.db")
    finally:
        (tmp_path / which).chmod(0o700)

    assert f"belongs to {mine()} (mode {mode:04o})" in said
    assert said.endswith("change its mode (chmod)")


@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_nobody_else_may_open_what_belongs_to_a_store(tmp_path: Path, before: int | None) -> None:
    """The file, its log and both locks, whatever the umask is and whatever an earlier version left."""
    path = tmp_path / "state.db"
    if before is not None:
        open_store(f"sqlite:{path}").close()
        for suffix in ("-lock", "-daemon"):
            (tmp_path / f"state.db{suffix}").touch()
            (tmp_path / f"state.db{suffix}").chmod(before)
    mask = os.umask(0)
    try:
        store = open_store(f"sqlite:{path}", daemon=True)
        store.letters.add([])
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(mask)

    assert {"state.db", "state.db-lock", "state.db-daemon", "state.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}
