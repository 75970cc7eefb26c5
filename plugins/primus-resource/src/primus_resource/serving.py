"""The resources of a server: how their methods are bound to sparks, and answer."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, TypeVar

from primus import ParserError, ValidationError
from primus.answers import Reply
from primus.callables import is_awaitable
from primus_resource.methods import Method, ResourceError, methods_of
from primus_resource.values import plain

__all__ = ["Resources", "Served"]

Kind = TypeVar("Kind")


class Served:
    """What a resource gets from the server; a class of one may derive from it, for its types."""

    resource_name: str
    """What clients call the resource."""
    channel: Any
    """Its channel of ``multiplex``, or the Primus."""

    def broadcast(self, event: str, /, *args: Any) -> None:
        """Send an event to every client of the resource."""
        raise ResourceError("it can be called once primus.resource() has the object")


class Call:
    """A method as the listener of one spark."""

    __slots__ = ("_method", "_spark")

    def __init__(self, method: Method, spark: Any) -> None:
        self._method = method
        self._spark = spark

    def take(self, *given: Any) -> Any:
        """Call the method with what has arrived, and answer when the client asks for it."""
        method, spark = self._method, self._spark
        reply = given[-1] if given and isinstance(given[-1], Reply) else None
        try:
            args = method.arguments(given if reply is None else given[:-1])
        except ValidationError as error:
            spark.log.debug("%r called %r: %s", spark, method.name, error)
            if reply is not None:
                reply.refuse(str(error))
            return None
        result = method.call(spark, args, reply)
        if method.takes_ack:
            return result
        if is_awaitable(result):
            return _answer_later(result, reply)
        _answer(result, reply)
        return None


async def _answer_later(result: Awaitable[Any], reply: Reply | None) -> None:
    _answer(await result, reply)


def _answer(result: Any, reply: Reply | None) -> None:
    if reply is None:
        return
    try:
        reply.returned(result)
    except ParserError:  # a parser knows most values, and may have a form of its own for them
        reply.returned(plain(result))


class Binding:
    """One resource of a server.

    Args:
        name: what clients call it.
        obj: has the methods.
        home: the channel whose sparks call it, or the Primus.
        prefix: what its events begin with.
    """

    def __init__(self, name: str, obj: Any, home: Any, prefix: str) -> None:
        self.obj = obj
        self.home = home
        self.is_flat = bool(prefix)
        self._name = name
        self._prefix = prefix
        self._bound: tuple[str, ...] = ()
        self._methods: Mapping[str, Method] = {}
        self._look()

    @property
    def is_bare(self) -> bool:
        """Whether an object of the application's own class has no methods for clients."""
        return not self._methods and type(self.obj) is not Served

    def _look(self) -> Mapping[str, Method]:
        """The methods, those included that the object was given later."""
        attributes = tuple(vars(self.obj)) if hasattr(self.obj, "__dict__") else ()
        if attributes != self._bound or not self._methods:
            methods = methods_of(self.obj)
            for name in methods:
                if not self.is_flat and name in ("data", "end", "error", "readyStateChange"):
                    raise ResourceError(
                        f"clients cannot call {name!r} of {self._name!r}: channels have an event "
                        "of that name; rename the method, or use multiplex=False"
                    )
            self._methods, self._bound = methods, attributes
        return self._methods

    def connected(self, spark: Any) -> None:
        """Let a spark call the methods, and tell its client which there are."""
        methods = self._look()
        for name, method in methods.items():
            spark.on(self._prefix + name, Call(method, spark).take)
        spark.send(f"{self._prefix}ready", list(methods))

    def released(self, spark: Any) -> None:
        """Let a spark call the methods no more."""
        for name in self._methods:
            for listener in spark.listeners(self._prefix + name):
                if isinstance(getattr(listener, "__self__", None), Call):
                    spark.off(self._prefix + name, listener)

    def broadcast(self, event: str, /, *args: Any) -> None:
        """Send an event to every client."""
        try:
            self.home.send(self._prefix + event, *args)
        except ParserError:
            self.home.send(self._prefix + event, *plain(args))

    def sparks(self) -> Iterator[Any]:
        """The sparks that may call the methods."""
        yield from self.home if self.is_flat else list(self.home.connections.values())


class Resources(Mapping[str, object]):
    """The resources of a server, by name.

    Args:
        primus: the server.
    """

    def __init__(self, primus: Any) -> None:
        self._primus = primus
        self._bindings: dict[str, Binding] = {}

    def __getitem__(self, name: str) -> object:
        return self._bindings[name].obj

    def __iter__(self) -> Iterator[str]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)

    def add(self, name: str, obj: Kind, *, multiplex: bool) -> Kind:
        """Let clients call the methods of `obj`.

        Raises:
            ResourceError: the object or the name cannot be used, or a plugin is missing.
        """
        self._check(name, obj, multiplex)
        home = self._primus.channel(name) if multiplex else self._primus
        binding = Binding(name, obj, home, "" if multiplex else f"{name}::")
        if binding.is_bare:
            self._primus.log.warning(
                "the resource %r has no methods for clients, whose names begin with 'on': %r",
                name,
                obj,
            )
        _give(obj, resource_name=name, channel=home, broadcast=binding.broadcast)
        self._bindings[name] = binding
        if multiplex:
            home.on("connection", binding.connected)
        for spark in binding.sparks():
            binding.connected(spark)
        return obj

    def _check(self, name: str, obj: object, multiplex: bool) -> None:
        if not name or not isinstance(name, str):
            raise ResourceError(f"a resource is named by a text that is not empty, not {name!r}")
        if name in self._bindings:
            raise ResourceError(f"there is a resource {name!r} already: {self[name]!r}")
        if obj is None or isinstance(obj, type | str | bytes | int | float | Mapping | list):
            raise ResourceError(
                f"the resource {name!r} must be an object with methods, not {obj!r}"
                + (f": make one, {obj.__name__}()" if isinstance(obj, type) else "")
            )
        for needed in ("emitter", "multiplex")[: 1 + multiplex]:
            if not hasattr(self._primus, {"emitter": "send", "multiplex": "channel"}[needed]):
                hint = ", or multiplex=False" if needed == "multiplex" else ""
                raise ResourceError(
                    f"the resource {name!r} needs the plugin {needed!r} in use before: "
                    f'plugin="emitter, multiplex, resource"{hint}'
                )

    def connected(self, spark: Any) -> None:
        """Let a spark call the methods of the resources that use no channel."""
        for binding in self._bindings.values():
            if binding.is_flat:
                binding.connected(spark)

    def close(self) -> None:
        """Let no spark call anything."""
        for binding in self._bindings.values():
            if not binding.is_flat:
                binding.home.off("connection", binding.connected)
            for spark in binding.sparks():
                binding.released(spark)
        self._bindings.clear()


def _give(obj: object, **attributes: Any) -> None:
    """Set what Node sets on the object of a resource."""
    for name, value in attributes.items():
        taken = getattr(type(obj), name, None)
        if taken is not None and taken is not getattr(Served, name, None):
            raise ResourceError(f"{obj!r} has {name!r} already, which resources get from us")
        try:
            setattr(obj, name, value)
        except AttributeError as error:
            raise ResourceError(f"{obj!r} takes no attributes, such as {name!r}") from error
