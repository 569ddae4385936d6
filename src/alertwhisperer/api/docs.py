"""Swagger UI from our own origin: no CDN, and under our content security policy."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi.responses import Response

from alertwhisperer.api.codec import Routes
from alertwhisperer.domain.errors import NotFound

routes = Routes("docs")

PACKAGE: Final = "fastapi_swagger.resources"
"""The PyPI package that carries an unmodified Swagger UI build; its files are all that is used of it."""

MEDIA_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Alert Whisperer API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START: Final = """window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null,
});
"""


@routes.get("/api/docs", include_in_schema=False)
async def get_docs() -> Response:
    """The page."""
    return Response(PAGE, media_type="text/html")


@routes.get("/api/docs/start.js", include_in_schema=False)
async def get_docs_start() -> Response:
    """What starts it: a file, since inline scripts are forbidden."""
    return Response(START, media_type="text/javascript")


@routes.get("/api/docs/{name}", include_in_schema=False)
async def get_docs_file(name: str) -> Response:
    """One of its files."""
    if name not in MEDIA_TYPES:
        raise NotFound("no such file")
    return Response(_file(name), headers={"Cache-Control": "public, max-age=86400"}, media_type=MEDIA_TYPES[name])


@cache
def _file(name: str) -> bytes:
    return (files(PACKAGE) / name).read_bytes()
