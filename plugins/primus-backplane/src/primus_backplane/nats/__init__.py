"""The engine of NATS: JetStream keeps in memory what its republished messages bring at once."""

from primus_backplane.nats.bus import NatsBus

__all__ = ["NatsBus"]
