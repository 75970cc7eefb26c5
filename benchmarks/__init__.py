"""Primus beside its peers, in one run: ``nox -s bench``. See README.md."""
