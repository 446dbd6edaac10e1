"""Running a node: the partner API over mutual TLS, the desk beside it, and the durable steps, until told to stop.

Ports are opened before anything else happens, so a port in use is one clear error and leaves nothing started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn

from mithaq.errors import SettingsError
from mithaq.node.app import partner_app
from mithaq.node.durable import Engine
from mithaq.node.gateway import Files, Node
from mithaq.node.peer import PeerCertificateProtocol, pin, server_context
from mithaq.node.settings import Settings

_log = structlog.get_logger("mithaq.serve")
REPIN_EVERY_S = 1.0  # how soon a newly installed agreement's certificates are accepted
GRACE_S = 2  # requests in flight may end within this time; an idle partner keeps no node alive


def listen(address: tuple[str, int], *, key: str) -> socket.socket:
    """A listening socket; SettingsError where the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
    settings = node.settings
    partner_socket = listen(settings.partner_address, key="listen.partner")
    try:
        desk_socket = listen(settings.desk_address, key="listen.desk") if desk is not None else None
    except SettingsError:
        partner_socket.close()
        raise
    engine = Engine(node)
    engine.start()
    try:
        asyncio.run(_serve(node, desk, partner_socket, desk_socket, settings, ready))
    finally:
        engine.stop()
        partner_socket.close()
        if desk_socket is not None:
            desk_socket.close()


async def _serve(
    node: Node,
    desk: Any,
    partner_socket: socket.socket,
    desk_socket: socket.socket | None,
    settings: Settings,
    ready: Callable[[str, str], None] | None,
) -> None:
    files = Files(settings.home)
    pinned = [der for ders in node.agreements.pinned_certificates().values() for der in ders]
    context = server_context(files.certificate, files.keys / "tls.pem", pinned)
    servers = [(_server(partner_app(node), context), partner_socket)]
    if desk is not None and desk_socket is not None:
        servers.append((_server(desk, _desk_context(settings)), desk_socket))
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
    _log.info("serving", party=node.party, partner=settings.listen.partner, desk=settings.listen.desk if desk else "")
    if ready:
        ready(*(_address(found) for found in (partner_socket, desk_socket or partner_socket)))
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
    context.load_cert_chain(settings.path(certificate), settings.path(key))
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
