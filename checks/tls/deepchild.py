"""Run sslyze on one server and print what it found: a program of its own, started by path. EDGE.

It imports sslyze and the standard library only, for it runs in an environment without this
package; the request comes as one JSON object on its input, the answer goes as one to its output.
It gives up its rights before it speaks to the server: sslyze carries old copies of OpenSSL.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any, TextIO

_MEMORY = 1 << 30
_FILES = 256
_NOBODY = 65534
_NO_NEW_PRIVILEGES = 38
_TIMEOUT = 5
_LATER = "cryptography.hazmat.backends.openssl.backend"
"""Imported late by sslyze, when its folder may not be readable any more."""
_COMMANDS = {
    "heartbleed": ("heartbleed", "is_vulnerable_to_heartbleed"),
    "early_ccs": ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection"),
    "robot": ("robot", "robot_result"),
    "compression": ("tls_compression", "supports_compression"),
    "secure_renegotiation": ("session_renegotiation", "supports_secure_renegotiation"),
    "client_renegotiation": ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"),
    "fallback_scsv": ("tls_fallback_scsv", "supports_fallback_scsv"),
    "extended_master_secret": ("tls_extended_master_secret", "supports_ems_extension"),
    "early_data": ("tls_1_3_early_data", "supports_early_data"),
}
"""What is told, with sslyze's command for it and the attribute of its result."""
_HTTP = "tls_1_3_early_data"
"""The one command that speaks HTTP, which mail servers take for an attack."""
_VERSIONS = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")


def main() -> None:
    """Read the request, scan, write the answer, and end at once whatever still hangs."""
    request = json.load(sys.stdin)
    output = _own_output()
    _limit(request["seconds"])
    try:
        sslyze: Any = importlib.import_module("sslyze")  # is not installed where this is checked
    except ModuleNotFoundError:
        json.dump({"error": "NOT_INSTALLED"}, output)
        return
    importlib.import_module(_LATER)
    scan = _scan(sslyze, request)
    _give_up_rights()
    scanner = sslyze.Scanner(
        per_server_concurrent_connections_limit=1, concurrent_server_scans_limit=1
    )
    scanner.queue_scans([scan])
    for found in scanner.get_results():
        json.dump(_answer(found), output)
    output.flush()
    os._exit(0)


def _own_output() -> TextIO:
    """Keep the output for the answer: what libraries print goes nowhere."""
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return os.fdopen(kept, "w", encoding="ascii")


def _limit(seconds: int) -> None:
    """Limit memory, processor time and open files; write no file; die when the time is over."""
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds + 1)


def _give_up_rights() -> None:
    if not os.geteuid():
        with contextlib.suppress(PermissionError):  # where capabilities are given up already
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _scan(sslyze: Any, request: dict[str, Any]) -> Any:  # noqa: ANN401 - sslyze's own types
    name = request["server_name"] or "localhost"
    kinds = sslyze.ProtocolWithOpportunisticTlsEnum
    network = sslyze.ServerNetworkConfiguration(
        tls_server_name_indication=name,
        tls_opportunistic_encryption=kinds(request["starttls"]) if request["starttls"] else None,
        network_timeout=_TIMEOUT,
        network_max_retries=1,
    )
    commands = {command for command, _ in _COMMANDS.values()}
    if request["starttls"]:
        commands.remove(_HTTP)
    commands.update(f"{version}_cipher_suites" for version in _VERSIONS)
    return sslyze.ServerScanRequest(
        sslyze.ServerNetworkLocation(name, request["port"], ip_address=request["host"]),
        network_configuration=network,
        scan_commands={sslyze.ScanCommand(command) for command in commands},
        scan_commands_extra_arguments=sslyze.ScanCommandsExtraArguments(
            session_renegotiation=sslyze.SessionRenegotiationExtraArgument(1)
        ),
    )


def _answer(found: Any) -> dict[str, Any]:  # noqa: ANN401 - sslyze's own types
    if found.scan_result is None:
        return {"error": found.scan_status.value}
    answer: dict[str, Any] = {"errors": {}, "agreed": {}}
    for name, (command, attribute) in _COMMANDS.items():
        attempt = getattr(found.scan_result, command)
        if attempt.result is None:
            answer["errors"][name] = _reason(attempt)
        else:
            answer[name] = getattr(attempt.result, attribute)
    for version in _VERSIONS:
        attempt = getattr(found.scan_result, f"{version}_cipher_suites")
        if attempt.result is None:
            answer["errors"][version] = _reason(attempt)
        else:
            taken = attempt.result.accepted_cipher_suites
            answer["agreed"][version] = [one.cipher_suite.name for one in taken]
    return answer


def _reason(attempt: Any) -> str:  # noqa: ANN401 - sslyze's own types
    return str(attempt.error_reason.value if attempt.error_reason else attempt.status.value)


if __name__ == "__main__":
    main()
