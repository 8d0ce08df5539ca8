"""Certificates of an environment: one authority made on this machine, server certificates, courier client certificates."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=365)
#: Octets of a common name (RFC 5280, appendix A.1); clients read the alternative names.
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    @classmethod
    def at(cls, folder: Path, name: str) -> Pair:
        return cls(folder / f"{name}.pem", folder / f"{name}-key.pem")

    def exists(self) -> bool:
        return self.certificate.exists() and self.key.exists()


class Authority:
    """The certificate authority of one environment; its key signs here and is given to no district."""

    def __init__(self, folder: Path, common_name: str = "tongban local authority") -> None:
        self._pair = Pair.at(folder, "authority")
        if not self._pair.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._make(common_name)
        self._key = serialization.load_pem_private_key(self._pair.key.read_bytes(), None)
        self._certificate = x509.load_pem_x509_certificate(self._pair.certificate.read_bytes())

    @property
    def certificate(self) -> Path:
        return self._pair.certificate

    def _make(self, common_name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        builder = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
        )
        _write(self._pair, builder.sign(key, hashes.SHA256()), key)

    def server(self, pair: Pair, *addresses: str) -> Pair:
        """A certificate for servers at these IP addresses and DNS names, made once."""
        names = x509.SubjectAlternativeName(list(map(_general_name, addresses)))
        return self._issue(pair, addresses[0][:_LONGEST_NAME], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, pair: Pair, common_name: str) -> Pair:
        """A client certificate; the broker takes `common_name` as the user."""
        return self._issue(pair, common_name, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self, pair: Pair, common_name: str, use: x509.ObjectIdentifier, names: x509.SubjectAlternativeName | None
    ) -> Pair:
        if pair.exists():
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())  # type: ignore[arg-type]
        builder = (
            _builder(_name(common_name), self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(authority_key, critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        _write(pair, builder.sign(self._key, hashes.SHA256()), key)  # type: ignore[arg-type]
        return pair


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pair.certificate.parent.mkdir(parents=True, exist_ok=True)
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(private)
    pair.certificate.write_bytes(certificate.public_bytes(encoding))
