"""The Autobahn test suite against our WebSocket transformers."""
