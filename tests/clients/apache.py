"""Debian's Apache with mod_auth_openidc as a site of its own: by its own configuration file, on a loopback address, as the
unprivileged account; the machine's own Apache, if one runs, is left alone."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey
from tongban_local.account import own, own_folder
from tongban_local.processes import Child, Command, plain_environ, wait_until

from .district import Ground, host_of, new_origin

PROGRAM = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
CLIENT_ID = "apache-site"
_SCOPE = "openid profile offline_access"
_LOADED = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "dir",
    "headers",
    "socache_shmcb",
    "ssl",
    "auth_openidc",
)

_CONFIGURATION = """\
{loaded}
ServerRoot {folder}
ServerName {origin}
Listen {address}
PidFile {folder}/pid
Mutex file:{folder} default
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
MaxRequestWorkers 25
LogLevel warn auth_openidc:info
DocumentRoot {folder}/pages
StartServers 1
ServerLimit 1
ThreadsPerChild 25

SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
SSLSessionCache none

# The keys come first: only then is private_key_jwt a method it knows.
OIDCPrivateKeyFiles site-1#{folder}/proof.pem
OIDCPublicKeyFiles site-1#{folder}/proof-public.pem
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCCABundlePath {authority}
OIDCClientID {client_id}
OIDCProviderTokenEndpointAuth private_key_jwt
OIDCResponseType code
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg ES256
OIDCScope "{scope}"
OIDCRedirectURI {origin}/callback
OIDCDefaultLoggedOutURL {origin}/bye
OIDCCryptoPassphrase {passphrase}
OIDCRemoteUserClaim sub
OIDCInfoHook iat access_token access_token_expires id_token userinfo session
{more}

<Location />
    Require all granted
</Location>
<Location /inside>
    AuthType openid-connect
    Require valid-user
    Header always set Known-As "%{{OIDC_CLAIM_sub}}e"
</Location>
<Location /callback>
    AuthType openid-connect
    Require valid-user
</Location>
"""


@dataclass
class Site:
    """Not running yet: `row` is what the provider has to know of it. `more`: further lines of its configuration."""

    ground: Ground = field(repr=False)
    origin: str = field(default_factory=new_origin)
    more: str = ""

    def __post_init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"kid": "site-1"})
        self.folder = own_folder(self.ground.folder / f"site-{host_of(self.origin)}")

    @property
    def row(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "name": {"zh": "样例网站", "en": "Sample site"},
            "redirect_uris": [f"{self.origin}/callback"],
            "post_logout_redirect_uris": [f"{self.origin}/bye"],
            "backchannel_logout_uri": f"{self.origin}/callback?logout=backchannel",
            "scopes": _SCOPE.split(),
            "jwks": {"keys": [self._key.as_dict(private=False)]},
            "id_token_alg": "ES256",
        }

    @property
    def inside(self) -> str:
        """A page for whoever is signed in."""
        return f"{self.origin}/inside/"

    @property
    def log(self) -> str:
        return (self.folder / "error.log").read_text()

    @contextmanager
    def running(self, issuer: str) -> Iterator[Site]:
        """As a relying party of `issuer`."""
        self._write(issuer)
        environ = plain_environ(self.folder, self.ground.engines.district.folder)
        argv = (str(PROGRAM), "-f", str(self.folder / "apache.conf"), "-D", "FOREGROUND")
        child = Child(Command("apache", argv, environ, self.folder), self.folder / "output.log")
        try:
            self._wait(child)
            yield self
        finally:
            child.stop()

    def _wait(self, child: Child) -> None:
        try:
            wait_until(self._answers, f"apache in {self.folder}", 60, lambda: child.returncode() is not None)
        except Exception as error:
            for log in ("output.log", "error.log"):
                path = self.folder / log
                error.add_note(path.read_text()[-3000:] if path.exists() else "")
            raise

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.ground.authority.certificate))
        try:
            with urllib.request.urlopen(f"{self.origin}/bye", timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _write(self, issuer: str) -> None:
        pair = self.ground.certified(host_of(self.origin), f"site-{host_of(self.origin)}")
        (self.folder / "proof.pem").write_bytes(self._key.as_pem(private=True))
        (self.folder / "proof-public.pem").write_bytes(self._key.as_pem(private=False))
        for name in ("inside/index.html", "bye"):
            page = self.folder / "pages" / name
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(f"the page {name}\n")
        text = _CONFIGURATION.format(
            loaded="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in _LOADED),
            folder=self.folder,
            origin=self.origin,
            address=self.origin.removeprefix("https://"),
            certificate=pair.certificate,
            key=pair.key,
            issuer=issuer,
            authority=self.ground.authority.certificate,
            client_id=CLIENT_ID,
            scope=_SCOPE,
            passphrase=json.dumps(new_origin()),
            more=self.more,
        )
        (self.folder / "apache.conf").write_text(text)
        own(self.folder)
