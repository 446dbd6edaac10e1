"""Running a node: the partner API over mutual TLS, the desk beside it, and the durable steps, until told to stop.

The folder is held, ports and certificates are opened before anything else happens, so a second process, a port in use
or a missing key is one clear error and leaves nothing started.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from mithaq.errors import MithaqError, SettingsError, StorageError
from mithaq.node import quotas, witness
from mithaq.node.app import partner_app
from mithaq.node.durable import Engine
from mithaq.node.gateway import Files, Node
from mithaq.node.national_api import national_app
from mithaq.node.peer import PeerCertificateProtocol, pin, server_context
from mithaq.node.settings import Settings, split_address
from mithaq.pact.certificate import certificate_der, certificate_facts
from mithaq.units import timestamp

_log = structlog.get_logger("mithaq.serve")
LOCK_NAME = "serving.lock"
REPIN_EVERY_S = 1.0  # how soon a newly installed agreement's certificates are accepted
GRACE_S = 2  # requests in flight may end within this time; an idle partner keeps no node alive


def listen(address: tuple[str, int], *, key: str) -> socket.socket:
    """A listening socket; SettingsError where the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an acknowledgement
    try:
        found.bind(address)
        found.listen(128)
    except OSError as error:
        found.close()
        raise SettingsError(
            "NOD-140",
            f"{address[0]}:{address[1]} cannot be listened on ({error.strerror})",
            file="node.toml",
            key=key,
            expected="a free port of this machine",
            remedy="stop the program that holds it, or choose another port",
        ) from None
    return found


def run(node: Node, desk: Any = None, *, ready: Callable[[str, str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `desk` is an ASGI application for our own people, or None.

    `ready` is called once with the two addresses when both listen.
    """
    settings, files = node.settings, Files(node.settings.home)
    with ExitStack() as stack:
        stack.enter_context(_alone(settings.home))
        witness.begin(node)
        quotas.begin(node)
        pinned = [der for ders in node.agreements.pinned_certificates().values() for der in ders]
        context = server_context(files.certificate, files.keys / "tls.pem", pinned)
        _check_own_certificate(node, files.certificate)
        partner_socket = stack.enter_context(listen(settings.partner_address, key="listen.partner"))
        servers = [(_server(partner_app(node), context), partner_socket)]
        if settings.national.listen is not None:
            national_socket = stack.enter_context(
                listen(split_address(settings.national.listen), key="national.listen")
            )
            servers.append((_server(national_app(node), None), national_socket))
        if desk is not None:
            desk_context = _desk_context(settings)
            desk_socket = stack.enter_context(listen(settings.desk_address, key="listen.desk"))
            servers.append((_server(desk, desk_context), desk_socket))
        stack.enter_context(_steps(node))
        asyncio.run(_serve(node, servers, context, ready))


def _check_own_certificate(node: Node, file: Path) -> None:
    """SettingsError where no partner would shake hands with us: out of date, or not the one that an agreement pins."""
    own = certificate_der(file.read_bytes())
    facts = certificate_facts(own)
    if not facts.holds_at(node.clock()):
        raise SettingsError(
            "NOD-145",
            f"the node's certificate is valid from {timestamp(facts.not_before)} to {timestamp(facts.not_after)}",
            file=str(file),
            expected="a certificate of today",
            remedy="check the clock of this machine, or make a new certificate and amend the agreement",
        )
    for agreement in node.agreements.all():
        if own not in agreement.parties[node.party].keys.certificates:
            _log.error("not the certificate that the agreement pins", code="NOD-146", agreement=agreement.id)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the folder while the node is served: two processes would both deliver and answer what is due."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            "NOD-142",
            f"the node's folder cannot be written to ({error.strerror})",
            place=str(home),
            remedy="free space or mend the permissions",
        ) from None
    with os.fdopen(descriptor):  # the lock goes with the descriptor, however the process ends
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StorageError(
                "NOD-143", "another process serves this node", place=str(home), remedy="stop it first, or let it serve"
            ) from None
        yield


@contextmanager
def _steps(node: Node) -> Iterator[None]:
    """The durable steps, from the recovery of what a crash left to their orderly end."""
    engine = Engine(node)
    try:
        engine.start()
    except MithaqError:
        raise
    except Exception as error:  # whatever DBOS and its database driver raise
        raise StorageError(
            "NOD-141",
            f"the database of the durable steps cannot be used ({type(error).__name__})",
            place="node.toml, key database.steps_url",
            expected="a database that this account may write to",
            remedy="check the path or URL, its permissions and the space on the disk",
        ) from None
    try:
        yield
    finally:
        engine.stop()


async def _serve(
    node: Node,
    servers: list[tuple[uvicorn.Server, socket.socket]],
    context: ssl.SSLContext,
    ready: Callable[[str, str], None] | None,
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server, _ in servers:
            server.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    tasks = [asyncio.create_task(server.serve(sockets=[found])) for server, found in servers]
    tasks.append(asyncio.create_task(_repin(node, context, servers[0][0])))
    tasks.append(asyncio.create_task(_outlive_nobody(servers[0][0], stop)))
    while not all(server.started for server, _ in servers):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.01)
    partner, desk = (_address(found) for found in (servers[0][1], servers[-1][1]))
    _log.info("serving", party=node.party, partner=partner, desk=desk if len(servers) > 1 else "")
    if ready:
        ready(partner, desk)
    await asyncio.gather(*tasks)


def _address(found: socket.socket) -> str:
    host, port = found.getsockname()[:2]
    return f"{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: ours stop both servers of the node together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Any, context: ssl.SSLContext | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=PeerCertificateProtocol,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=64 * 1024,
    )
    config.load()
    config.ssl = context
    return _Server(config)


def _desk_context(settings: Settings) -> ssl.SSLContext | None:
    certificate, key = settings.listen.desk_certificate, settings.listen.desk_key
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.path(certificate), settings.path(key))
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            "NOD-144",
            f"the desk's certificate and key do not load ({type(error).__name__})",
            file="node.toml",
            key="listen.desk_certificate",
            expected="a PEM certificate and the key that belongs to it",
            remedy="correct the two paths and the files' permissions",
        ) from None
    return context


async def _outlive_nobody(server: uvicorn.Server, stop: Callable[[], None]) -> None:
    """Stop when the process that started this one (MITHAQ_PARENT, set by the demonstration) is gone, however it went."""
    parent = int(os.environ.get("MITHAQ_PARENT", "0"))
    while parent and not server.should_exit:
        if os.getppid() != parent:
            stop()
        await asyncio.sleep(REPIN_EVERY_S)


async def _repin(node: Node, context: ssl.SSLContext, server: uvicorn.Server) -> None:
    """Accept the certificates of agreements that were installed while the node runs."""
    known: set[bytes] = set()
    while not server.should_exit:
        pinned = {der for ders in node.agreements.pinned_certificates().values() for der in ders}
        if pinned - known:
            pin(context, pinned - known)
            known |= pinned
        await asyncio.sleep(REPIN_EVERY_S)
