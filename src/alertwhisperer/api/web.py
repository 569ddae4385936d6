"""The browser app: the files that the build left in the package, and its one page for every path that it routes."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from alertwhisperer.api.problems import answer, plain

CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)
"""Styles are inserted at run time by the component library; scripts only ever come as files of ours."""

SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Alert Whisperer</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>The browser app is not built</h1>
<p>The server runs and takes alerts. In a clone, <code>make run</code> builds the app and starts the server;
an installed release carries it ready-made.</p>
<p><a href="/api/docs">API documentation</a></p></html>
"""
COMPRESSIBLE: Final = (".js", ".css", ".html", ".svg", ".json", ".map", ".txt", ".webmanifest")
FOR_EVER: Final = "public, max-age=31536000, immutable"


class _File:
    """One file of the build; read, hashed and compressed when first asked for."""

    def __init__(self, path: Path, *, hashed_name: bool) -> None:
        body = path.read_bytes()
        self.etag = f'"{sha256(body).hexdigest()[:32]}"'
        self.plain = body
        self.zipped = gzip.compress(body, 6, mtime=0) if path.suffix in COMPRESSIBLE else None
        self.media_type = guess_type(path.name)[0] or "application/octet-stream"
        self.cache = FOR_EVER if hashed_name else "no-cache"


class Web:
    """Serves the build in `folder`. Only files found there when the process began are ever served."""

    def __init__(self, folder: Path) -> None:
        found = {f"/{each.relative_to(folder).as_posix()}": each for each in folder.rglob("*") if each.is_file()}
        # What begins with a dot is the build's own: its stamp, its manifest.
        self._paths = {path: each for path, each in found.items() if "/." not in path}
        self._files: dict[str, _File] = {}

    @property
    def built(self) -> bool:
        """Whether there is an app to serve."""
        return "/index.html" in self._paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD with a file, or with the app's page for a path that the app itself routes."""
        response = self._respond(scope)
        await response(scope, receive, send)

    def _respond(self, scope: Scope) -> Response:
        path = scope["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            return answer(plain(405, "Method Not Allowed", str(scope.get("request_id", ""))), {"Allow": "GET, HEAD"})
        if path not in self._paths:
            if path.startswith(("/api/", "/assets/")):
                return answer(plain(404, "Not Found", str(scope.get("request_id", ""))))
            if not self.built:
                return Response(NOT_BUILT, headers={**SECURITY, "Cache-Control": "no-store"}, media_type="text/html")
            path = "/index.html"
        return self._file_response(scope, path)

    def _file_response(self, scope: Scope, path: str) -> Response:
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = _File(self._paths[path], hashed_name=path.startswith("/assets/"))
        asked = dict(scope["headers"])
        headers = {**SECURITY, "ETag": file.etag, "Cache-Control": file.cache, "Vary": "Accept-Encoding"}
        if asked.get(b"if-none-match", b"").decode("latin-1") == file.etag:
            return Response(status_code=304, headers=headers)
        if file.zipped is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            return Response(file.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)
