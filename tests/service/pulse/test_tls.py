"""TLS to the broker: only a trusted certificate for this host is accepted."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.fakes.daemon import eventually
from tests.fakes.rabbit import Broker, Rabbit
from tests.fakes.servers import free_ports
from tests.service.pulse.consumer import Consumer, canonical_event

pytestmark = pytest.mark.slow

Consume = Callable[..., Consumer]


@dataclass
class Secure:
    """A broker with a certificate for one name, and authorities that signed it or did not."""

    rabbit: Rabbit
    port: int
    ca: str
    other_ca: str


@pytest.fixture(scope="module")
def secure() -> Iterator[Secure]:
    """Start a RabbitMQ whose certificate is for `localhost`, not for its address."""
    with tempfile.TemporaryDirectory(prefix="rabbit-tls-") as name:
        place = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(place / "ca.pem")
        trustme.CA().cert_pem.write_to_path(place / "other-ca.pem")
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(place / "key.pem")
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(place / "cert.pem", append=number > 0)
        (port,) = free_ports(1)
        extra = (
            f"listeners.ssl.default = 127.0.0.1:{port}\nssl_options.cacertfile = {place}/ca.pem\n"
            f"ssl_options.certfile = {place}/cert.pem\nssl_options.keyfile = {place}/key.pem\n"
            "ssl_options.verify = verify_none\n"
        )
        with Rabbit(place, extra) as rabbit:
            yield Secure(rabbit, port, f"{place}/ca.pem", f"{place}/other-ca.pem")


@pytest.fixture
def broker(secure: Secure) -> Broker:
    """Provide an exchange on the secure broker."""
    return Broker(secure.rabbit)


def refused(consumer: Consumer) -> str:
    """Wait until the certificate is refused, and return the reason."""

    def refusal() -> str:
        return consumer.trouble()

    eventually(lambda: "certificate" in refusal().lower(), "the certificate is refused")
    assert not consumer.connected
    return refusal()


@pytest.mark.parametrize(
    "url", ["amqps://guest:guest@localhost:{port}//", "amqp://guest:guest@localhost:{port}//?ssl=1"]
)
def test_the_right_certificate(broker: Broker, secure: Secure, consume: Consume, url: str) -> None:
    """Trusted, and for this host."""
    consumer = consume(url=url.format(port=secure.port), ca=secure.ca)
    broker.publish(canonical_event(1))
    consumer.wait_for_runs(1)


def test_a_certificate_for_another_name(secure: Secure, consume: Consume) -> None:
    """Trusted, but for another host."""
    consumer = consume(wait=False, url=f"amqps://guest:guest@127.0.0.1:{secure.port}//", ca=secure.ca)
    assert "127.0.0.1" in refused(consumer)


def test_a_certificate_that_nobody_vouches_for(secure: Secure, consume: Consume) -> None:
    """For this host, but signed by somebody else."""
    assert refused(consume(wait=False, url=f"amqps://guest:guest@localhost:{secure.port}//", ca=secure.other_ca))


def test_a_private_certificate_without_its_authority(secure: Secure, consume: Consume) -> None:
    """The system's authorities do not vouch for a private certificate."""
    assert refused(consume(wait=False, url=f"amqps://guest:guest@localhost:{secure.port}//"))


def test_no_tls_where_tls_is_asked_for(secure: Secure, consume: Consume) -> None:
    """A broker that answers in plain text is not talked to."""
    consumer = consume(wait=False, url=f"amqps://guest:guest@localhost:{secure.rabbit.port}//", ca=secure.ca)
    eventually(consumer.trouble, "it is refused")
    assert not consumer.connected
