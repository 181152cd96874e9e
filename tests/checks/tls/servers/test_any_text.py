"""Whatever a configuration says, reading it ends without an error."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.tls.servers import apache, haproxy, lighttpd, nginx

_COMMON = ["\n", " ", "\\", '"', "'", "\0", "\xff", "#", "{", "}", ":443", "$x", "${x}", "a"]
_WORDS = {
    nginx: "http mail server listen ssl ; include * starttls on ssl_protocols TLSv1 location"
    " ssl_conf_command Protocol -ALL add_header x_by_lua_block [[ 1-9 default_server",
    apache: "<VirtualHost *:443> </VirtualHost> SSLEngine on SSLProtocol +TLSv1 Listen Include *"
    " Define Use <Macro </Macro> <IfModule <IfVersion > SSLOpenSSLConfCmd MinProtocol < </",
    haproxy: "global frontend bind ssl crt crt-list ssl-min-ver force-tlsv13 no-tlsv12 .if .else"
    " .endif setenv ssl-default-bind-options [ ] @ , quic4@ 1-9 http-response \\x4",
    lighttpd: '$SERVER["socket"] == = += ( ) => , + include include_shell else ssl.engine "enable"'
    ' $HTTP["host"] "cat ssl.openssl.ssl-conf-cmd "Protocol" 5 env.X server.port server.modules',
}


class _Same:
    """A tree in which every file says the same."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, path: str) -> str | None:
        """Give the text."""
        return self._text if len(path) < 40 else None

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Give the path itself, two for a short pattern, none for another."""
        if "*" in pattern:
            return ("/x/1", "/x/2") if len(pattern) < 20 else ()
        return (pattern,)


@pytest.mark.parametrize("server", _WORDS, ids=lambda server: server.NAME)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_reading_ends_in_sites(server: type[nginx], data: st.DataObject) -> None:
    """Any words in any order give sites that can be written down."""
    words = st.sampled_from([*_WORDS[server].split(), *_COMMON, "\n"])
    text = " ".join(data.draw(st.lists(words, max_size=60)))
    for site in server.sites(_Same(text), server.MAIN[0]):
        assert msgspec.json.encode(site)
        assert site.server == server.NAME
