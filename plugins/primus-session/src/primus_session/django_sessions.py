"""Sessions of Django, whatever its ``SESSION_ENGINE``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["DjangoSessions"]


class DjangoSessions:
    """Loads the sessions of Django, as its settings have them.

    The engine is asked in a thread for synchronous code, as Django does it for views.
    """

    async def __call__(self, spark: Any) -> Any:
        """The session of a spark: a loaded ``SessionBase``."""
        from asgiref.sync import sync_to_async

        settings = import_module("django.conf").settings
        key = spark.request.cookies.get(settings.SESSION_COOKIE_NAME)
        return await sync_to_async(_load)(settings.SESSION_ENGINE, key) if key else None


def _load(engine: str, key: str) -> Any:
    session = import_module(engine).SessionStore(key)
    session.keys()  # loads it; an unknown one loses its key, or is made anew
    return None if session.session_key is None or session.modified else session
