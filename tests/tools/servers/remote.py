"""Listens on a port of its own: `remote.py TRANSPORT PORT [TOKEN]`. With a token, whoever has another gets a 401.

It gives the token to the client `demo` with the secret `s3cret`, as an authorization server would.
"""

import asyncio
import base64
import sys

import uvicorn
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

transport, port, token = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or [""])[0]
server = MCPServer("remote", version="1", log_level="ERROR")


@server.tool(structured_output=False)
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool(structured_output=False)
async def wait(seconds: float) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool(structured_output=False)
def seen() -> str:
    """Tell the header x-team of the last request."""
    return seen_headers.get(b"x-team", b"none").decode()


app = server.sse_app() if transport == "sse" else server.streamable_http_app()
seen_headers: dict[bytes, bytes] = {}


HERE = f"http://127.0.0.1:{port}"
CLIENT = "Basic " + base64.b64encode(b"demo:s3cret").decode()


async def authorize(scope, receive):
    """Answer what a client asks an authorization server, or None."""
    request = Request(scope, receive)
    if scope["path"].startswith("/.well-known/oauth-protected-resource"):
        return JSONResponse({"resource": f"{HERE}/mcp", "authorization_servers": [HERE]})
    if scope["path"] == "/.well-known/oauth-authorization-server":
        ends = {"token_endpoint": f"{HERE}/token", "authorization_endpoint": f"{HERE}/authorize"}
        return JSONResponse({"issuer": HERE, "response_types_supported": ["code"], **ends})
    if scope["path"] == "/token":
        if request.headers.get("authorization") != CLIENT:
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
    return None


async def guarded(scope, receive, send):
    if scope["type"] == "http":
        answer = await authorize(scope, receive)
        if answer is not None:
            await answer(scope, receive, send)
            return
        seen_headers.update(scope["headers"])
        if token and dict(scope["headers"]).get(b"authorization") != f"Bearer {token}".encode():
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
            return
    await app(scope, receive, send)


uvicorn.run(guarded, host="127.0.0.1", port=port, log_level="error")
