"""The bundled target: a very small shop on loopback, so that the first run needs nothing but kload itself."""
