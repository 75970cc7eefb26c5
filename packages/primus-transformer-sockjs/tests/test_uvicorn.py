"""Messages over WebSockets that uvicorn hands over."""

from primus_testing.transformer.messages import MessagesContract


class TestSockJSOfUvicorn(MessagesContract):
    transformer = "sockjs"
    host = "uvicorn"


class TestSockJSThroughAnApplication(MessagesContract):
    transformer = "sockjs"
    host = "wrapped"
