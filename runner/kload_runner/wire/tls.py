"""TLS: one `SSLContext` for all connections of a target, and sentences for what goes wrong.

Session resumption is not attempted: asyncio offers no way to pass a session, and every virtual user
stands for another client, whose first handshake is a full one.

Source: RFC 7301 (ALPN), RFC 6125 (names), Python's ssl module.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile

from kload_runner.wire.errors import ErrorClass, Fault, InvalidRequest
from kload_runner.wire.settings import TlsSettings

_ALPN = ["http/1.1"]  # the only protocol spoken; a server that insists on h2 refuses the handshake


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Build the context all connections share.

    Raises:
        InvalidRequest: a certificate or key that cannot be used; the message never shows it.
    """
    try:
        context = ssl.create_default_context(cadata=settings.ca_pem)
    except (ssl.SSLError, ValueError) as exc:
        raise InvalidRequest(f"tls.ca: not a PEM certificate ({_reason(exc)})") from None
    if settings.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(_ALPN)
    if (settings.cert_pem is None) != (settings.key_pem is None):
        raise InvalidRequest("tls.cert and tls.key belong together; give both or neither")
    if settings.cert_pem is not None and settings.key_pem is not None:
        _load_client_certificate(
            context, settings.cert_pem, settings.key_pem, settings.key_password
        )
    return context


def describe(exc: Exception, server_name: str = "") -> Fault:
    """Map a failed handshake (or a TLS alert later) to class and sentence."""
    text = str(exc).upper()
    if isinstance(exc, ssl.SSLCertVerificationError):
        who = f" for {server_name}" if server_name else ""
        return Fault(
            ErrorClass.TLS,
            f"the target's certificate{who} is not valid: {exc.verify_message}; "
            "trust its CA, set the server name, or skip verification",
        )
    if "NO_APPLICATION_PROTOCOL" in text:
        return Fault(
            ErrorClass.PROTOCOL,
            "the target accepts no HTTP/1.1 over TLS (ALPN), probably HTTP/2 only; "
            "kload speaks HTTP/1.1 only for now",
        )
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text or "HTTP_REQUEST" in text:
        return Fault(ErrorClass.TLS, "the target does not speak TLS on this port; is it http://?")
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text:
        return Fault(
            ErrorClass.TLS,
            f"the target refused the handshake ({_reason(exc)}); does it want a client certificate?",
        )
    if isinstance(exc, (ConnectionError, EOFError)) or "EOF" in text:
        return Fault(
            ErrorClass.TLS,
            "the target closed the connection during the TLS handshake; "
            "does it want a client certificate, or another TLS version?",
        )
    return Fault(ErrorClass.TLS, f"TLS failed: {_reason(exc)}")


def _load_client_certificate(
    context: ssl.SSLContext, cert_pem: str, key_pem: str, password: str | None
) -> None:
    # load_cert_chain reads files only. 0600, and gone before anybody else can look.
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w", encoding="ascii", errors="replace") as file:
            file.write(f"{key_pem.strip()}\n{cert_pem.strip()}\n")
        # A password of our own for none: OpenSSL would ask on the terminal otherwise.
        context.load_cert_chain(path, password=password if password is not None else "")
    except (ssl.SSLError, OSError) as exc:
        raise InvalidRequest(
            f"tls.cert, tls.key: not a PEM certificate with its key ({_reason(exc)})"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _reason(exc: Exception) -> str:
    return getattr(exc, "reason", None) or str(exc) or type(exc).__name__
