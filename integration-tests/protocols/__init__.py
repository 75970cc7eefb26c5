"""The official suites of the polling transformers, run on a checkout that you bring.

``nox -s protocols -- PATH…`` tells by itself which suite a checkout holds.
"""
