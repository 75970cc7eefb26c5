"""A Django project in one file, and Primus around it."""

from __future__ import annotations

import os
from pathlib import Path

import django
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import FileResponse, HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from primus import Primus, Spark

PAGE = Path(__file__).with_name("index.html")
LATEST = 10

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    SECRET_KEY=os.environ.get("SECRET_KEY", "for this example only"),
)
django.setup()

primus = Primus(get_asgi_application())
latest: list[str] = []


def index(request: HttpRequest) -> FileResponse:
    """The page."""
    return FileResponse(PAGE.open("rb"))


@csrf_exempt
@require_POST
async def publish(request: HttpRequest) -> JsonResponse:
    """Something has happened: an async view runs on the loop, so it may write at once."""
    text = request.GET.get("text", "").strip()[:500]
    if not text:
        return JsonResponse({"error": "an empty text is no news"}, status=400)
    latest.append(text)
    del latest[:-LATEST]
    primus.write({"news": text})
    return JsonResponse({"readers": primus.connected}, status=201)


urlpatterns = [path("", index), path("news", publish)]


@primus.on("connection")
def connection(spark: Spark) -> None:
    """Send the latest news to a new connection first."""
    for text in latest:
        spark.write({"news": text})


if __name__ == "__main__":
    uvicorn.run(primus.asgi, host="localhost", port=int(os.environ.get("PORT", "8080")))
