"""TLS to Redis: only a trusted certificate for this host is accepted."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.fakes.redis_server import RedisServer
from tests.fakes.servers import free_ports
from triggerbot.core.errors import StoreUnusable
from triggerbot.store.factory import open_store


@pytest.fixture(scope="module")
def secure() -> Iterator[tuple[int, Path]]:
    """Start a Redis whose certificate is for `localhost`; yield its port and the directory of the authorities."""
    with tempfile.TemporaryDirectory(prefix="redis-tls-") as name:
        place = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(place / "ca.pem")
        trustme.CA().cert_pem.write_to_path(place / "other-ca.pem")
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(place / "key.pem")
        issued.cert_chain_pems[0].write_to_path(place / "cert.pem")
        (port,) = free_ports(1)
        options = {
            "tls-port": port, "tls-cert-file": place / "cert.pem", "tls-key-file": place / "key.pem",
            "tls-ca-cert-file": place / "ca.pem", "tls-auth-clients": "no", "appendonly": "no",
        }  # fmt: skip
        with RedisServer(place, *(word for name, value in options.items() for word in (f"--{name}", str(value)))):
            yield port, place


def test_the_right_certificate(secure: tuple[int, Path]) -> None:
    """Trusted, and for this host."""
    port, place = secure
    open_store(f"rediss://localhost:{port}/0?ssl_ca_certs={place}/ca.pem").close()


@pytest.mark.parametrize(
    ("host", "ca"),
    [
        ("127.0.0.1", "?ssl_ca_certs={place}/ca.pem"),
        ("localhost", "?ssl_ca_certs={place}/other-ca.pem"),
        ("localhost", ""),
    ],
)
def test_any_other_certificate(secure: tuple[int, Path], host: str, ca: str) -> None:
    """For another name, signed by somebody else, or private without its authority."""
    port, place = secure
    with pytest.raises(StoreUnusable, match=r"(?i)certificate"):
        open_store(f"rediss://{host}:{port}/0{ca.format(place=place)}")
