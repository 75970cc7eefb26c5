"""A module that imports something that is not there."""

import surely_not_there  # type: ignore[import-not-found] # noqa: F401
