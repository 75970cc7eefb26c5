"""Several processes on one port: ``primus serve --workers N``.

A connection stays in the worker that the system gave it to. A session that is carried by requests
lives in one worker, too, but each request may come to any of them. So its id begins with the name
of its worker, and a worker that gets a request of another one's session hands the connection over
(`handing`) or passes the request on (`relaying`); the other one takes it in at its `hatch`. Which
worker that is, `whereabouts` finds; the `supervisor` starts the workers, tells each of the others,
and replaces them; `worker` is what runs in each.
"""
