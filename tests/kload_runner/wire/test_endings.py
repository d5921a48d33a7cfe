"""Sentences about bad endings that no server here produces at will."""

from __future__ import annotations

import errno
import ssl

import pytest

from kload_runner.wire import ErrorClass, endings, tls


@pytest.mark.parametrize(
    ("exc", "error", "detail"),
    [
        pytest.param(None, ErrorClass.RESET, "closed the connection", id="FIN"),
        pytest.param(ConnectionResetError(), ErrorClass.RESET, "reset the connection", id="RST"),
        pytest.param(
            OSError(errno.ENOBUFS, "no"), ErrorClass.LOCAL, "buffer space", id="no buffers"
        ),
        pytest.param(
            ssl.SSLError(
                1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
            ),
            ErrorClass.TLS,
            "does it want a client certificate?",
            id="certificate required, after a TLS 1.3 handshake",
        ),
    ],
)
def test_the_end_of_a_connection_is_classed_by_its_cause(
    exc: Exception | None, error: ErrorClass, detail: str
) -> None:
    fault = endings.ended(exc, 0)
    assert fault.error is error
    assert detail in fault.detail


@pytest.mark.parametrize(
    ("exc", "error", "detail"),
    [
        pytest.param(
            ssl.SSLError(
                1, "[SSL: TLSV1_ALERT_NO_APPLICATION_PROTOCOL] tlsv1 alert no application protocol"
            ),
            ErrorClass.PROTOCOL,
            "probably HTTP/2 only",
            id="no common protocol",
        ),
        pytest.param(
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
            ErrorClass.TLS,
            "http://?",
            id="no TLS",
        ),
        pytest.param(ssl.SSLError(1, "something else"), ErrorClass.TLS, "TLS failed: ", id="other"),
        pytest.param(
            ConnectionAbortedError("x"), ErrorClass.TLS, "during the TLS handshake", id="aborted"
        ),
    ],
)
def test_a_handshake_is_explained(exc: Exception, error: ErrorClass, detail: str) -> None:
    fault = tls.describe(exc, "a.test")
    assert fault.error is error
    assert detail in fault.detail


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        pytest.param(b"PRI * HTTP/2.0\r\n\r\n", "HTTP/2", id="preface"),
        pytest.param(b"\0\0\0\4\0\0\0\0\0", "HTTP/2", id="settings"),
        pytest.param(b"\0\0\5\4\0\0\0\0\0", "not valid HTTP/1.x", id="settings of a wrong length"),
        pytest.param(b"\0\0\0\4\0\0\0\0\1", "not valid HTTP/1.x", id="settings on a stream"),
        pytest.param(b"\x15\x03\x03\0\2\2\x46", "https://", id="TLS alert"),
        pytest.param(b"\0", "begins with '\\x00'", id="one byte"),
    ],
)
def test_what_is_no_http_is_named(data: bytes, detail: str) -> None:
    fault = endings.malformed(data, 0, "why")
    assert fault.error is ErrorClass.PROTOCOL
    assert detail in fault.detail
