"""The server: `Primus`, its sparks, its middleware and the hosts it runs on."""
