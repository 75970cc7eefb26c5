"""Reverse proxies in front of a server, as docs/deployment.md has them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from .network import free_port, listening
from .tools import program

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        ''      close;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            {upgrades}
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_read_timeout 75s;
        }}
    }}
}}
"""

UPGRADES = (
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
)

HAPROXY = """
global
    log stderr format raw local0 err
defaults
    mode http
    option abortonclose
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    timeout tunnel 75s
frontend public
    bind 127.0.0.1:{port}
    option forwardfor
    default_backend primus
backend primus
    server one 127.0.0.1:{upstream}
"""


NGINX_WORKERS = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        ''      close;
    }}
    upstream any {{
        least_conn;
        server 127.0.0.1:{one} max_fails=0;
        server 127.0.0.1:{two} max_fails=0;
    }}
    upstream w0 {{ server 127.0.0.1:{one}; }}
    upstream w1 {{ server 127.0.0.1:{two}; }}
    upstream sockjs {{
        hash $session consistent;
        server 127.0.0.1:{one} max_fails=0;
        server 127.0.0.1:{two} max_fails=0;
    }}
    map $uri $session {{ default ""; ~^/primus/[^/.]+/(?<name>[^/.]+)/ $name; }}
    map "$arg_sid$uri" $worker {{
        default any;
        ~^w0- w0;
        ~^w1- w1;
        ~/primus/1/[^/]+/w0- w0;
        ~/primus/1/[^/]+/w1- w1;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{to};
            proxy_next_upstream error timeout http_503 {further} non_idempotent;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_buffering off;
        }}
    }}
}}
"""

HAPROXY_WORKERS = """
global
    log stderr format raw local0 err
defaults
    mode http
    option abortonclose
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    timeout tunnel 75s
    timeout check 30s
frontend public
    bind 127.0.0.1:{port}
    option forwardfor
    default_backend primus
backend primus
    balance leastconn
    option httpchk GET /primus/spec
    option persist
    option redispatch
    retries 1
    retry-on conn-failure 503
    default-server check inter 200ms fall 1 rise 1
    {to}
    server w0 127.0.0.1:{one}
    server w1 127.0.0.1:{two}
"""

USE_SERVER = """
    use-server w0 if {{ urlp(sid) -m beg w0- }} or {{ urlp(SID) -m beg w0- }}
    use-server w1 if {{ urlp(sid) -m beg w1- }} or {{ urlp(SID) -m beg w1- }}
    use-server w0 if {{ path_reg ^/primus/1/[^/]+/w0- }}
    use-server w1 if {{ path_reg ^/primus/1/[^/]+/w1- }}
""".replace("{{", "{").replace("}}", "}")

STICKY = """
    stick-table type string len 128 size 100k expire 5m
    stick on path,word(3,/)
"""


@contextlib.asynccontextmanager
async def balancer(
    kind: str, one: int, two: int, folder: Path, *, by_path: bool = False
) -> AsyncIterator[int]:
    """Run ``nginx`` or ``haproxy`` in front of the servers ``w0`` and ``w1``, and get its port.

    It reads the name of a server in the id of a session; ``by_path``, as for SockJS, it goes by
    the session in the path.
    """
    names: dict[str, object] = {"folder": folder, "port": free_port(), "one": one, "two": two}
    if kind == "nginx":
        text, flags = NGINX_WORKERS, ["-e", "stderr", "-p", str(folder), "-c"]
        executable = program("nginx", install="apt-get install nginx-light")
        names["to"] = "sockjs" if by_path else "$worker"
        names["further"] = "http_404" if by_path else ""
    else:
        text, flags = HAPROXY_WORKERS, ["-f"]
        executable = program("haproxy", install="apt-get install haproxy")
        names["to"] = STICKY if by_path else USE_SERVER
    async with _running(executable, flags, folder / f"{kind}-workers.conf", text, names) as port:
        yield port


@contextlib.asynccontextmanager
async def _running(
    executable: str | Path, flags: list[str], file: Path, text: str, names: dict[str, object]
) -> AsyncIterator[int]:
    file.write_text(text.format(**names))
    process = await asyncio.create_subprocess_exec(
        executable, *flags, file, stderr=asyncio.subprocess.PIPE
    )
    port = names["port"]
    assert isinstance(port, int)
    try:
        await listening(process, port)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


@contextlib.asynccontextmanager
async def proxy(kind: str, upstream: int, folder: Path) -> AsyncIterator[int]:
    """Run ``nginx`` or ``haproxy`` in front of the port ``upstream``, and get its port.

    ``nginx as it comes`` is one whose owner has not heard of upgrades.
    """
    port = free_port()
    upgrades = UPGRADES if kind == "nginx" else ""
    if kind.startswith("nginx"):
        text, flags = NGINX, ["-e", "stderr", "-p", str(folder), "-c"]
        executable = program("nginx", install="apt-get install nginx-light")
    else:
        text, flags = HAPROXY, ["-f"]
        executable = program("haproxy", install="apt-get install haproxy")
    names = {"folder": folder, "port": port, "upstream": upstream, "upgrades": upgrades}
    async with _running(executable, flags, folder / f"{kind}.conf", text, names) as port:
        yield port
