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
    configuration = folder / f"{kind}.conf"
    names = {"folder": folder, "port": port, "upstream": upstream, "upgrades": upgrades}
    configuration.write_text(text.format(**names))
    process = await asyncio.create_subprocess_exec(
        executable, *flags, configuration, stderr=asyncio.subprocess.PIPE
    )
    try:
        await listening(process, port)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()
