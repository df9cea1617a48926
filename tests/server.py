"""A static file server on a free port of this machine, as the site's tests and the benchmark of the page need it."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A static file server that logs nothing and can live under a path prefix. A browser asks for each page anew."""

    protocol_version = "HTTP/1.1"
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def __init__(self, *args, prefix: str = "/", **kwargs):
        self.prefix = prefix
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        inside = path.startswith(self.prefix)
        return super().translate_path("/" + path[len(self.prefix):] if inside else "/not-here")

    def end_headers(self) -> None:
        is_page = self.path.partition("?")[0].endswith(("/", ".html"))
        self.send_header("Cache-Control", "no-store" if is_page else "max-age=600")
        super().end_headers()

    def log_message(self, *args) -> None:
        pass


@contextmanager
def static_server() -> Iterator[Callable[..., str]]:
    """start(folder, prefix="/") -> "http://127.0.0.1:PORT/" (ends in the prefix); every server started ends with the block."""
    servers = []

    def start(folder: Path | str, prefix: str = "/") -> str:
        handler = functools.partial(QuietHandler, directory=str(folder), prefix=prefix)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": None}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}{prefix}"

    yield start
    for server in servers:
        server.server_close()  # its thread goes on sleeping: it wakes for visitors only
