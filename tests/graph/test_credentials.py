from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from doubles.certificates import NOW, certificate, ec_key, pem_of, rsa_key, usable
from jackfield.graph.credentials import (
    SecretCredential,
    parse_certificate,
    parse_secret,
)
from jackfield.graph.errors import CredentialUnusable


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(lambda: certificate(rsa_key()) + pem_of(rsa_key()), id="certificate_first"),
        pytest.param(lambda: pem_of(rsa_key()) + certificate(rsa_key()), id="key_first"),
        pytest.param(
            lambda: certificate(rsa_key()) + pem_of(rsa_key(), PrivateFormat.TraditionalOpenSSL),
            id="old_form_of_key",
        ),
        pytest.param(
            lambda: certificate(rsa_key(number=1)) + certificate(rsa_key()) + pem_of(rsa_key()),
            id="among_a_chain",
        ),
        pytest.param(
            lambda: b"Bag Attributes\r\n" + certificate(rsa_key()) + b"junk\n" + pem_of(rsa_key()),
            id="with_words_between",
        ),
    ],
)
def test_a_certificate_is_found_wherever_it_stands(pem):
    """Tools write PEM files in every order; people should not have to cut them up."""
    found = parse_certificate(pem())

    assert found.subject == "CN=Jackfield"
    assert found.fingerprint == usable().fingerprint
    assert len(found.fingerprint) == 40


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        pytest.param(lambda: b"", "no PEM blocks", id="empty"),
        pytest.param(lambda: b"\x30\x82\x00\x00", "no PEM blocks", id="der"),
        pytest.param(lambda: certificate(rsa_key()), "no private key", id="no_key"),
        pytest.param(lambda: pem_of(rsa_key()), "no certificate", id="no_certificate"),
        pytest.param(
            lambda: certificate(rsa_key()) + pem_of(rsa_key(), passphrase=b"x"),
            "is encrypted",
            id="encrypted",
        ),
        pytest.param(
            lambda: (
                certificate(rsa_key())
                + pem_of(rsa_key(), PrivateFormat.TraditionalOpenSSL, passphrase=b"x")
            ),
            "is encrypted",
            id="encrypted_old_form",
        ),
        pytest.param(
            lambda: certificate(rsa_key()) + pem_of(rsa_key(number=1)),
            "does not belong",
            id="another_key",
        ),
        pytest.param(
            lambda: certificate(rsa_key(1024)) + pem_of(rsa_key(1024)), "1024 bits", id="short_key"
        ),
        pytest.param(
            lambda: certificate(ec_key()) + pem_of(ec_key()), "not an RSA key", id="elliptic"
        ),
        pytest.param(
            lambda: (
                certificate(rsa_key())
                + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
            ),
            "cannot be read",
            id="garbage_key",
        ),
        pytest.param(
            lambda: (
                pem_of(rsa_key())
                + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            ),
            "cannot be read",
            id="garbage_certificate",
        ),
    ],
)
def test_an_unusable_certificate_is_refused_with_its_reason(pem, says):
    """Entra would answer all of these with one and the same code."""
    with pytest.raises(CredentialUnusable, match=says) as caught:
        parse_certificate(pem())

    assert caught.value.next_step


def test_an_expired_certificate_says_when_it_ended():
    """The commonest outage of all; Entra's own message hides the date."""
    with pytest.raises(CredentialUnusable, match="expired on 2027-02-21 07:00 UTC"):
        usable().check(NOW + timedelta(days=91))


def test_a_certificate_of_tomorrow_points_at_the_clock():
    """A machine whose clock stands years back sees every certificate as not yet valid."""
    with pytest.raises(CredentialUnusable, match=r"valid only from .* clock says 2026-11-21"):
        usable().check(NOW - timedelta(days=2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(" \n", "empty", id="empty"),
        pytest.param("abc\ndef", "no secret has", id="two_lines"),
        pytest.param("pässwort", "no secret has", id="not_ascii"),
    ],
)
def test_a_secret_that_can_be_none_is_refused(text, says):
    """A file with a comment line above the secret would end in "wrong secret"."""
    with pytest.raises(CredentialUnusable, match=says):
        parse_secret(text)


def test_a_pasted_secret_loses_its_line_end():
    """Editors end files with a line break."""
    assert parse_secret("aB8Q~x\n") == "aB8Q~x"


def test_secrets_and_keys_stay_out_of_texts():
    """Objects are printed into logs and tracebacks."""
    shown = repr(SecretCredential("client", "the-secret")) + repr(usable())

    assert "the-secret" not in shown
    assert "PRIVATE" not in shown
    assert "RSAKey" not in shown
