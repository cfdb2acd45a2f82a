"""From what a handler returns to a response."""

from starlette.responses import JSONResponse, PlainTextResponse, Response

from immutant.errors import ValueRefusedError
from immutant.values import Value

__all__ = ["respond"]


def respond(result: Value, what: str) -> Response:
    """The response for what a handler returned.

    Raises:
        ValueRefusedError: It is nothing that can be sent.
    """
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status_code=204)
    if isinstance(result, str):
        return PlainTextResponse(result)
    if isinstance(result, bytes):
        return Response(result, media_type="application/octet-stream")
    if isinstance(result, dict | list):
        return JSONResponse(result)
    raise ValueRefusedError(
        f"{what} returned a {type(result).__name__}; return text, a dict or list, bytes, None or a "
        "Response"
    )
