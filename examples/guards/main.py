"""Sparks with the session of the application, ids that survive a reconnect, valid notes only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Route

from primus import Primus
from primus_session import StarletteSessions

PAGE = Path(__file__).with_name("index.html")
SECRET = os.environ.get("SECRET_KEY", "for this example only")


@dataclass
class Note:
    """What a client may send."""

    kind: Literal["question", "answer"]
    text: str

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= 200:
            raise ValueError("a text of 1 to 200 characters")


async def index(request: Request) -> FileResponse:
    """The page."""
    return FileResponse(PAGE)


async def sign_in(request: Request) -> RedirectResponse:
    """Keep the user in the session, without asking for a password."""
    request.session["user"] = request.query_params.get("user", "guest")[:50]
    return RedirectResponse("/")


app = Starlette(
    routes=[Route("/", index), Route("/sign-in", sign_in)],
    middleware=[Middleware(SessionMiddleware, secret_key=SECRET)],
)
primus: Any = Primus(
    app,
    plugin="mirage, fortress-maximus, session, emit",
    mirage_secret=SECRET,
    fortress_limit=(20, 1.0),
    session=StarletteSessions(SECRET),
)
primus.validate("note", Note, limit=(3, 1.0))
seen: dict[str, int] = {}


@primus.on("connection")
async def connection(spark: Any) -> None:
    """Let a client stay once its user has signed in."""
    session = await spark.get_session()
    if session is None:
        spark.end({"refused": "sign in first"})
        return
    seen[spark.mirage] = seen.get(spark.mirage, 0) + 1
    spark.write({"user": session["user"], "visits": seen[spark.mirage]})

    @spark.on("note")
    def note(note: Note) -> None:
        primus.write({"from": session["user"], "kind": note.kind, "text": note.text})


@primus.on("invalid")
def invalid(error: Any, args: list[Any]) -> None:
    """Whatever is not valid reaches no listener."""
    print(f"refused: {error.event}: {error}", flush=True)


if __name__ == "__main__":
    uvicorn.run(
        primus.asgi, host="localhost", port=int(os.environ.get("PORT", "8080")), log_level="info"
    )
