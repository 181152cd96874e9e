"""The web server of the story: nginx as there are many, then as it should be."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from stage import free, listens

if TYPE_CHECKING:
    from pathlib import Path

    from stage import Stage

NAME: Final = "shop.example"
WEAK: Final = {
    "protocols": "TLSv1 TLSv1.1 TLSv1.2",
    "ciphers": "ALL:@SECLEVEL=0",
    "groups": "auto",
}
STRONG: Final = {
    "protocols": "TLSv1.2 TLSv1.3",
    "ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
    "groups": "X25519:prime256v1:secp384r1",
}
_NGINX: Final = """daemon off; worker_processes 1; pid {folder}/nginx.pid; {user}
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  server {{
    listen 127.0.0.1:{port} ssl; server_name {name};
    ssl_certificate {pem};
    ssl_certificate_key {pem};
    ssl_protocols {protocols};
    ssl_ciphers {ciphers};
    ssl_ecdh_curve {groups};
    add_header Strict-Transport-Security max-age=63072000;
    location / {{ return 200 "hello"; }}
  }}
}}
"""


class Web:
    """An nginx with its files in one folder, `site`."""

    def __init__(self, stage: Stage, nginx: Path) -> None:
        """Make the folder and choose the port; nothing runs yet."""
        self._stage, self._nginx = stage, nginx
        self.site, self.port = stage.folder / "site", free()
        self.pem, self.app = self.site / "tls.pem", self.site / "app.env"
        self.file = self.site / "nginx.conf"
        for one in (self.site, self.site / "tmp"):
            one.mkdir(mode=0o755)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Start it with its key on the disk for everyone to read, and an application beside it."""
        certificate, key = self._stage.authority.issue(NAME)
        self.pem.write_text(key + certificate)
        self.pem.chmod(0o644)
        word = secrets.token_urlsafe(12)
        self.app.write_text(f"DB_HOST=db1\nDB_USER=shop\nDB_PASSWORD={word}\n")
        self.configure(self.pem, WEAK)
        self._stage.serve("nginx", lambda: listens(self.port), *self.command())

    def configuration(self, pem: Path, how: dict[str, str]) -> str:
        """Give a configuration file that serves the key and certificate in PEM."""
        user = "user root;" if os.geteuid() == 0 else ""
        place = {"folder": self.site, "port": self.port, "name": NAME, "pem": pem, "user": user}
        return _NGINX.format(**place, **how)

    def configure(self, pem: Path, how: dict[str, str]) -> None:
        """Write the configuration file."""
        self.file.write_text(self.configuration(pem, how))

    def reload(self) -> None:
        """Have the configuration read anew."""
        self._stage.call(*self.command("-s", "reload"))

    def forget_password(self) -> None:
        """Take the password out of the application's file."""
        self.app.write_text("DB_HOST=db1\nDB_USER=shop\n")

    def command(self, *words: str) -> list[str]:
        """Give a call of nginx."""
        return [str(self._nginx), "-e", "stderr", "-c", str(self.file), *words]
