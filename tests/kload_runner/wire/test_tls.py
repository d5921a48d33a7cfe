"""TLS against real handshakes: own CA, client certificates, names, versions, and what each failure says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trustme
from hostile_server import Visitor, always, plain, serve

from kload_runner.wire import (
    Client,
    ErrorClass,
    InvalidRequest,
    TlsSettings,
    Wire,
    WireSettings,
    build_request,
)
from kload_runner.wire.tls import make_context

MakeClient = Callable[..., Client]


@dataclass(frozen=True)
class Authority:
    """One throwaway CA for the module: making keys is what takes time."""

    ca: trustme.CA
    server: trustme.LeafCert
    client: trustme.LeafCert
    elsewhere: trustme.LeafCert

    @property
    def pem(self) -> str:
        return self.ca.cert_pem.bytes().decode()

    def context(self, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (certificate or self.server).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = [("localhost", "127.0.0.1"), ("user.test",), ("elsewhere.test",)]
    made = [ca.issue_cert(*names, key_type=trustme.KeyType.ECDSA) for names in leaf]
    return Authority(ca, *made)


def pems(certificate: trustme.LeafCert) -> tuple[str, str]:
    chain = "".join(blob.bytes().decode() for blob in certificate.cert_chain_pems)
    return chain, certificate.private_key_pem.bytes().decode()


async def test_an_own_ca_is_trusted_and_the_handshake_timed(
    new_client: MakeClient, authority: Authority
) -> None:
    async with serve(always(plain(b"hello")), context=authority.context()) as server:
        client = new_client(tls=TlsSettings(ca_pem=authority.pem))
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            first, second = [await client.exchange(build_request("GET", url)) for _ in range(2)]
            assert (first.status, first.raw, first.error_detail) == (200, b"hello", "")
            assert first.tls > 0
            assert first.tls_version == "TLSv1.3"
            assert first.peer.tls_cipher
            assert first.total == pytest.approx(
                first.blocked + first.connecting + first.tls + first.duration
            )
            assert (second.tls, second.connection_reused) == (0, True)


async def test_an_unknown_ca_is_refused_unless_verification_is_skipped(
    new_client: MakeClient, authority: Authority
) -> None:
    async with serve(always(plain()), context=authority.context()) as server:
        response = await new_client().exchange(build_request("GET", server.url))
        assert response.error is ErrorClass.TLS
        assert "certificate for 127.0.0.1 is not valid: unable to get" in response.error_detail
        assert not response.written
        skipping = new_client(tls=TlsSettings(insecure_skip_verify=True))
        assert (await skipping.exchange(build_request("GET", server.url))).status == 200


async def test_the_name_is_verified_and_can_be_set(
    new_client: MakeClient, authority: Authority
) -> None:
    asked: list[str | None] = []
    context = authority.context(authority.elsewhere)
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    async with serve(always(plain()), context=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        wrong = await new_client(tls=TlsSettings(ca_pem=authority.pem)).exchange(
            build_request("GET", url)
        )
        assert wrong.error is ErrorClass.TLS
        assert "Hostname mismatch" in wrong.error_detail
        tls = TlsSettings(ca_pem=authority.pem, server_name="elsewhere.test")
        assert (await new_client(tls=tls).exchange(build_request("GET", url))).status == 200
        assert asked == ["localhost", "elsewhere.test"]


async def test_a_client_certificate_is_shown_when_asked_for(
    new_client: MakeClient, authority: Authority
) -> None:
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    async with serve(always(plain()), context=context) as server:
        chain, key = pems(authority.client)
        with_one = new_client(tls=TlsSettings(authority.pem, chain, key))
        assert (await with_one.exchange(build_request("GET", server.url))).status == 200
        without = new_client(tls=TlsSettings(authority.pem))
        response = await without.exchange(build_request("GET", server.url))
        assert response.error in (
            ErrorClass.TLS,
            ErrorClass.RESET,
        )  # TLS 1.3 tells after the handshake


async def test_a_missing_client_certificate_is_named_under_tls_1_2(
    new_client: MakeClient, authority: Authority
) -> None:
    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    async with serve(always(plain()), context=context) as server:
        response = await new_client(tls=TlsSettings(authority.pem)).exchange(
            build_request("GET", server.url)
        )
        assert response.error is ErrorClass.TLS
        assert "does it want a client certificate" in response.error_detail


async def test_a_server_of_http2_only_is_refused_by_name(
    new_client: MakeClient, authority: Authority
) -> None:
    context = authority.context()
    context.set_alpn_protocols(["h2"])

    async def frames(visitor: Visitor) -> None:
        await visitor.send(bytes.fromhex("000000040000000000"))
        await visitor.silence()

    async with serve(frames, context=context) as server:
        client = new_client(tls=TlsSettings(authority.pem))
        response = await client.exchange(build_request("GET", server.url))
        assert response.error is ErrorClass.PROTOCOL
        assert "HTTP/2" in response.error_detail


async def test_plain_http_on_a_tls_url_says_so(client: Client) -> None:
    async def complains(visitor: Visitor) -> None:
        await visitor.reader.read(10)
        await visitor.send(plain(b"", status=b"400 Bad Request"))
        await visitor.silence()

    async with serve(complains) as server:
        response = await client.exchange(build_request("GET", server.url.replace("http", "https")))
        assert response.error is ErrorClass.TLS
        assert "is it http://?" in response.error_detail
        assert not response.written


async def test_a_port_that_is_silent_in_the_handshake_times_out(new_client: MakeClient) -> None:
    async with serve(lambda visitor: visitor.silence()) as server:
        client = new_client(connect_timeout_s=0.25)
        client_url = server.url.replace("http", "https")
        response = await client.exchange(build_request("GET", client_url))
        assert response.error is ErrorClass.TLS
        assert "no TLS handshake" in response.error_detail
        assert response.total < 2.0


async def test_a_connection_closed_in_the_handshake_is_a_tls_fault(client: Client) -> None:
    async def closes(visitor: Visitor) -> None:
        await visitor.reader.read(10)

    async with serve(closes) as server:
        response = await client.exchange(build_request("GET", server.url.replace("http", "https")))
        assert response.error is ErrorClass.TLS
        assert "during the TLS handshake" in response.error_detail


async def test_large_messages_pass_both_ways(new_client: MakeClient, authority: Authority) -> None:
    async with serve(always(plain(b"y" * 3_000_000)), context=authority.context()) as server:
        client = new_client(tls=TlsSettings(authority.pem))
        for _ in range(2):
            response = await client.exchange(build_request("POST", server.url), b"x" * 3_000_000)
            assert (response.status, len(response.raw)) == (200, 3_000_000)
        assert response.connection_reused


async def test_a_response_cut_off_inside_tls_is_a_reset(
    new_client: MakeClient, authority: Authority
) -> None:
    cut = always(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", then="close")
    async with serve(cut, context=authority.context()) as server:
        client = new_client(tls=TlsSettings(authority.pem))
        response = await client.exchange(build_request("POST", server.url))
        assert response.error is ErrorClass.RESET


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(TlsSettings(ca_pem="nonsense"), "tls.ca: not a PEM certificate", id="ca"),
        pytest.param(
            TlsSettings(cert_pem="x"), "tls.cert and tls.key belong together", id="no key"
        ),
        pytest.param(
            TlsSettings(cert_pem="x", key_pem="SECRET"),
            "not a PEM certificate with its key",
            id="pair",
        ),
    ],
)
async def test_settings_that_cannot_work_are_refused_before_any_load(
    settings: TlsSettings, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        Wire(WireSettings(tls=settings))
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in repr(settings)


def test_the_default_context_verifies() -> None:
    context = make_context(TlsSettings())
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


async def test_the_context_is_made_before_the_load_when_asked() -> None:
    wire = Wire()
    wire.prepare([build_request("GET", "http://a.test/").endpoint])
    assert wire.connector._tls is None
    wire.prepare([build_request("GET", "https://a.test/").endpoint])
    assert wire.connector._tls is wire.connector.prepare_tls()
    with contextlib.suppress(asyncio.CancelledError):
        await wire.close()
