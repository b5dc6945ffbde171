"""A server on this machine alone that answers GET and HEAD: the live page, its state, and pictures and sounds."""

from __future__ import annotations

import errno
import logging
import socketserver
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from ganzoo.errors import Conflict
from ganzoo.registry.failures import describe_error
from ganzoo.report.live import LivePage
from ganzoo.report.media import SOUND
from ganzoo.runs.display import PICTURES

HOST = "127.0.0.1"
LOCAL = ("127.0.0.1", "localhost", "::1")  # names by which a browser on this machine calls it
TYPES = {**{suffix: f"image/{kind}" for suffix, kind in PICTURES.items()}, SOUND: "audio/wav"}
PATIENCE = 10  # seconds that a request may take to arrive
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Server(ThreadingHTTPServer):
    """The server of a live page. It is reachable from this machine alone.

    Args:
        page: The page that is served.
        port: The port; 0 for a free one.

    Raises:
        Conflict: The port is taken.
    """

    daemon_threads = True
    allow_reuse_address = sys.platform != "win32"  # there it would share a port that is taken

    def __init__(self, page: LivePage, port: int) -> None:
        self.page = page
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Conflict(f"--port {port} is taken by another program: use --port 0 for a free one") from None
            if error.errno == errno.EACCES:
                raise Conflict(f"--port {port} is reserved for the system: use --port 0 for a free one") from None
            raise

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def server_bind(self) -> None:
        """Bind the socket, without asking the network for the name of this machine."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error in one line. A browser that hung up is none."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, (ConnectionError, TimeoutError)):
            logging.getLogger("ganzoo").warning("a request failed: %s", describe_error(error))


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer a request; those of other pages in the browser get 403 and nothing."""
        if not self._is_own():
            self._send(HTTPStatus.FORBIDDEN)
            return
        match unquote(urlsplit(self.path).path).split("/")[1:]:
            case [""]:
                self._send(HTTPStatus.OK, self.server.page.get_page(), "text/html; charset=utf-8")
            case ["state"]:
                self._send_state()
            case ["file", index, name]:
                self._send_file(index, name)
            case _:
                self._send(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        """Answer without content."""
        self.do_GET()

    def refuse(self) -> None:
        """Answer a request that would change something."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if self._is_own() else HTTPStatus.FORBIDDEN
        self._send(status, headers={"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = refuse

    def _is_own(self) -> bool:
        """Return whether the request is for this machine, and not from a page of another site.

        Another site can make its name mean 127.0.0.1; the header ``Host`` still has that name then.
        """
        hosts, origins = (self.headers.get_all(name, []) for name in ("Host", "Origin"))
        try:
            named = [urlsplit(f"//{host}").hostname for host in hosts]
        except ValueError:
            return False
        return len(hosts) == 1 and named[0] in LOCAL and all(each == f"http://{hosts[0]}" for each in origins)

    def _send_state(self) -> None:
        answer = self.server.page.get_state()
        tag, wait = f'"{answer.tag}"', f"{answer.wait:.1f}"
        if self.headers.get("If-None-Match") == tag:
            self._send(HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, "X-Wait": wait})
        else:
            self._send(HTTPStatus.OK, answer.content, "application/json", headers={"ETag": tag, "X-Wait": wait})

    def _send_file(self, index: str, name: str) -> None:
        path = self.server.page.find_file(index, name)
        kind = TYPES.get(path.suffix) if path else None
        try:
            content = path.read_bytes() if path and kind else None
        except OSError:
            content = None
        if content is None or kind is None:
            self._send(HTTPStatus.NOT_FOUND)
        else:
            self._send(HTTPStatus.OK, content, kind, {"Cache-Control": "max-age=86400"})

    def _send(
        self, status: HTTPStatus, content: bytes = b"", kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        own = {"Cache-Control": "no-cache", **({"Content-Type": kind} if kind else {})}
        if status != HTTPStatus.NOT_MODIFIED:
            own["Content-Length"] = str(len(content))
        for name, value in {**HEADERS, **own, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def version_string(self) -> str:
        """Return the name of the server, without versions."""
        return "ganzoo"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a page asks every few seconds."""
