"""The contract of transformers that take connections over: inherit `HandoverContract`.

    class TestWebSocketsHandover(HandoverContract):
        transformer = "websockets"

It needs the extra ``tls``, since all of it runs over TLS too.
"""

from primus_testing.handover.contract import HandoverContract

__all__ = ["HandoverContract"]
