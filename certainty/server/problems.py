"""Errors as problem details (RFC 9457): which limit, which value, what to mend.

Of the request, they quote only the name of an unknown field; the log does not even contain that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

PROBLEM_TYPE = "application/problem+json"
_MOST_ERRORS = 20  # listed in a problem
_LONGEST_FIELD = 40  # of an unknown field, whose name may be anything
RETRY_AFTER = {"Retry-After": "1"}  # seconds; a full server has room again within a batch

# RFC 9110 renamed these; Python's own names differ between its versions.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


class ProblemError(HTTPException):
    """A request that cannot be answered.

    Args:
        status: The HTTP status.
        detail: What is wrong and how to mend it.
        headers: Headers of the answer.
        members: Further members of the problem: `limit`, `maximum` and `given`, or `errors`.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(status, detail, headers)
        self.members = members

    def to_dict(self) -> dict[str, Any]:
        """Return the problem, ready for JSON."""
        return {"title": title(self.status_code), "status": self.status_code, "detail": self.detail, **self.members}


def too_large(limit: str, maximum: int, given: int, what: str) -> ProblemError:
    """Return the problem of content above a limit: 413, as in RFC 9110, 15.5.14."""
    detail = f"{what}: {given:,}; this server takes at most {maximum:,} ({limit})."
    return ProblemError(413, detail, limit=limit, maximum=maximum, given=given)


def invalid(errors: Sequence[Any]) -> ProblemError:
    """Return the errors that pydantic found as a problem, without the input that pydantic quotes."""
    first = errors[0]
    if first["type"] == "json_invalid":
        where = f" at character {first['loc'][-1]}" if isinstance(first["loc"][-1], int) else ""
        return ProblemError(400, f"The body is not valid JSON{where}: {first['ctx']['error']}.")
    found = [_describe(error) for error in errors[:_MOST_ERRORS]]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    place = f"{found[0]['field']}: " if found[0]["field"] else ""
    return ProblemError(422, f"{place}{found[0]['message']}{more}", errors=found)


def unreadable(what: str, error: BaseException) -> ProblemError:
    """Return why bytes cannot be read as JSON; `what` they are begins the sentence.

    Args:
        what: "The body", or "The line".
        error: What `json.loads` raised.
    """
    if isinstance(error, UnicodeDecodeError):
        reason = f"is not {error.encoding.upper()}, at byte {error.start + 1}; send it in UTF-8"
    elif isinstance(error, json.JSONDecodeError):
        reason = f"is not valid JSON at character {error.pos}: {error.msg}"
    elif isinstance(error, RecursionError):
        reason = "is nested too deeply; send one object of strings, numbers and lists"
    else:  # the only other ValueError of the json module: see sys.set_int_max_str_digits
        reason = "has a number with too many digits"
    return ProblemError(400, f"{what} {reason}.")


def _describe(error: dict[str, Any]) -> dict[str, str]:
    place = [str(part) for part in error["loc"] if part != "body"]
    if error["type"] == "unknown_field":
        return {"field": error["ctx"]["field"][:_LONGEST_FIELD], "message": str(error["msg"])}
    if error["type"] == "missing" and not place:
        return {"field": "", "message": "the body is empty; send a JSON object"}
    if error["type"] in ("model_attributes_type", "model_type"):
        return {"field": ".".join(place), "message": "not a JSON object"}
    message = str(error["msg"]).removeprefix("Value error, ")
    return {"field": ".".join(place), "message": message[:1].lower() + message[1:]}


def title(status: int) -> str:
    """Return the name of an HTTP status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_response(problem: ProblemError) -> JSONResponse:
    """Return a problem as a response."""
    return JSONResponse(problem.to_dict(), problem.status_code, problem.headers, PROBLEM_TYPE)


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer our own problems, and the exceptions of the framework (404, 405, an unreadable body)."""
    if isinstance(error, ProblemError):
        return problem_response(error)
    assert isinstance(error, StarletteHTTPException)
    if error.status_code == 400 and error.__cause__:
        return problem_response(unreadable("The body", error.__cause__))
    details = {
        404: "There is no such address; /docs lists all addresses.",
        405: "This address does not take this method; /docs lists the methods of each address.",
    }
    detail = details.get(error.status_code, title(error.status_code))
    headers = dict(error.headers) if error.headers else None
    return problem_response(ProblemError(error.status_code, detail, headers))


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a body that the route does not take."""
    assert isinstance(error, RequestValidationError)
    return problem_response(invalid(error.errors()))
