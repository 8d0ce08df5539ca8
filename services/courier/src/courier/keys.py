"""Makes and reads private keys: the alliance's root key and a district's signing and sealing keys.

    make_root(folder)              → RootKey     folder/root.jwk (0600) and folder/root.pub.jwk
    make_district_keys(file, now)  → [Key]       file (0600): a JWKS of private keys; again: the same keys, nothing changed
    add_district_key(file, …)      → Key         a further key of one use, for rotation
    retire_district_keys(file, …)  → [kid]       all but the newest of a use are shown no more
    public_keys(file)              → [Key]       what the registry shows of them

Files with private keys are created for their owner alone and never overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, OKPKey

from courier.adapters import jose
from courier.domain.canonical import parse_time, time_text
from courier.domain.registry import Key

#: A key counts from so long before it was made: the clock of who signs with it may be a day behind.
MARGIN = timedelta(days=2)
SIGNING, SEALING, TLS = "sig", "enc", "tls"
#: What our files say of a key beside what a JWK says.
_DATES = ("from", "retired")


@dataclass(frozen=True)
class RootKey:
    """The alliance's key: signs registries and nothing else."""

    private: Mapping[str, Any]

    @property
    def kid(self) -> str:
        return self.private["kid"]

    @property
    def alg(self) -> str:
        return self.private["alg"]

    @property
    def public(self) -> dict[str, Any]:
        return public_part(self.private)


def make_root(folder: Path) -> RootKey:
    """The root key in `folder`, made if it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "root.jwk"
    if not path.exists():
        jwk = _new_jwk(SIGNING, "EdDSA")
        _write_private(path, jwk)
    root = read_root(path)
    (folder / "root.pub.jwk").write_text(json.dumps(root.public, indent=2) + "\n")
    return root


def read_root(path: Path) -> RootKey:
    """The root key that `make_root` wrote."""
    return RootKey(json.loads(path.read_text()))


def make_district_keys(path: Path, now: datetime, *, alg: str = "EdDSA") -> list[Key]:
    """The district's signing and sealing keys in the file `path`, made if they are not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pair = [
            _new_jwk(SIGNING, alg) | {"from": time_text(now - MARGIN)},
            _new_jwk(SEALING, jose.KEY_AGREEMENT) | {"from": time_text(now - MARGIN)},
        ]
        _write_private(path, {"keys": pair})
    return public_keys(path)


def add_district_key(path: Path, use: str, now: datetime, *, alg: str = "") -> Key:
    """A further key, valid from `now`; the older ones stay, to open and to prove what they were used for."""
    kept = json.loads(path.read_text())["keys"]
    jwk = _new_jwk(use, alg or ("EdDSA" if use == SIGNING else jose.KEY_AGREEMENT)) | {"from": time_text(now - MARGIN)}
    _replace_private(path, {"keys": [*kept, jwk]})
    return _entry(jwk)


def retire_district_keys(path: Path, use: str, now: datetime, keep: timedelta) -> list[str]:
    """Shows all but the newest key of `use` no more; the next registry made of the rest ends them. Returns their ids.

    A private signing key has no further use and goes. A private sealing key stays for `keep`: what was sealed to it is on its
    way, or kept by a peer that asks for nothing but a receipt.
    """
    kept = json.loads(path.read_text())["keys"]
    *older, _ = [jwk for jwk in kept if jwk["use"] == use]
    retired = [jwk["kid"] for jwk in older if "retired" not in jwk]
    ended = [jwk if "retired" in jwk else jwk | {"retired": time_text(now)} for jwk in older]
    needed = [jwk for jwk in ended if use == SEALING and now < parse_time(jwk["retired"]) + keep]
    left = [*needed, *(jwk for jwk in kept if jwk not in older)]
    _replace_private(path, {"keys": left})
    return retired


def read_district_keys(path: Path) -> list[dict[str, Any]]:
    """The private keys, as JWKs with `use`, `kid` and `alg`."""
    return [
        {name: value for name, value in jwk.items() if name not in _DATES}
        for jwk in json.loads(path.read_text())["keys"]
    ]


def public_keys(path: Path) -> list[Key]:
    """What the registry shows of the keys in the file."""
    return [_entry(jwk) for jwk in json.loads(path.read_text())["keys"] if "retired" not in jwk]


def tls_key(certificate_pem: str, valid_from: datetime, valid_until: datetime | None = None) -> Key:
    """The registry's entry of the certificate that a district's courier listener is verified with (its issuer, or itself)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    return Key(TLS, certificate.fingerprint(SHA256()).hex(), "x5c", certificate_pem, valid_from, valid_until)


def public_part(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """A JWK without its secret."""
    return {name: value for name, value in jwk.items() if name not in ("d", *_DATES)}


def _entry(jwk: Mapping[str, Any]) -> Key:
    return Key(jwk["use"], jwk["kid"], jwk["alg"], public_part(jwk), parse_time(jwk["from"]))


def _new_jwk(use: str, alg: str) -> dict[str, Any]:
    if use == SEALING:
        key: Any = OKPKey.generate_key("X25519", private=True)
    elif alg == "ES256":
        key = ECKey.generate_key("P-256", private=True)
    else:
        key = OKPKey.generate_key("Ed25519", private=True)
    jwk = dict(key.as_dict(private=True))
    return jwk | {"kid": jose.thumbprint(jwk), "use": use, "alg": alg}


def _replace_private(path: Path, value: Any) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # of a run that was cut short
    _write_private(fresh, value)
    fresh.replace(path)


def _write_private(path: Path, value: Any) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
