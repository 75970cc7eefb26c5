"""The class of Python sockets with the plugin."""

from __future__ import annotations

from primus import Socket

__all__ = ["TemplateSocket"]


class TemplateSocket(Socket):
    """A Python socket with the plugin ``template``; applications derive from it."""

    def template(self, text: str) -> bool:
        """Send a text to the server, where it is the event ``template``.

        Returns:
            What `write` returns.
        """
        return self.write({"template": text})
