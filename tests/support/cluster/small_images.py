"""The two images the cluster itself needs: the pause container, and a box of Unix tools for the tests' own pods.

Made from what Debian brings (a C compiler, busybox); neither is kload's.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from cluster.failures import ClusterError
from cluster.image_archive import FileEntry, layer_of, write_archive
from cluster.node import PAUSE_IMAGE
from cluster.places import Places

BOX_IMAGE = "localhost/box:1"

_PAUSE = """\
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int number) { _exit(number == SIGCHLD); }
static void reap(int number) { (void)number; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
"""
# Busybox' wget crashes when it is linked statically and needs the C library's resolver; nslookup and nc do not.
_FETCH = rb"""#!/bin/sh
# fetch http://name:port/path: look the name up as a client would, ask the address, print the answer's body.
rest=${1#http://}; path=/${rest#*/}; authority=${rest%%/*}; host=${authority%:*}; port=${authority#*:}
case $host in
  *[!0-9.]*) address=$(nslookup "$host" | sed -n '/^Name/,$s/^Address[^:]*: *//p' | head -n 1) ;;
  *) address=$host ;;
esac
[ -n "$address" ] || { echo "fetch: $host has no address" >&2; exit 1; }
request="GET $path HTTP/1.0\r\nHost: $authority\r\nConnection: close\r\n\r\n"
answer=$(printf "$request" | nc -w 5 "$address" "$port") || exit 1
echo "$answer" | head -n 1 | grep -q ' 2[0-9][0-9] ' || { echo "$answer" | head -n 1 >&2; exit 1; }
echo "$answer" | sed '1,/^\r*$/d'
"""
_APPLETS = (
    "cat cut date dd echo env false grep head httpd id kill ls mkdir nc nslookup printf ps sed seq"
    " sh sleep tail touch tr true"
)


def pause_archive(places: Places) -> Path:
    """Return the archive of the pause image, made when the cache lacks it."""
    path = places.cache / "images" / f"pause-{_key(_PAUSE.encode())}.tar"
    if not path.exists():
        layer = layer_of([FileEntry("pause", _compile_pause())])
        write_archive(path, PAUSE_IMAGE, layer, {"Entrypoint": ["/pause"], "User": "65535:65535"})
    return path


def box_archive(places: Places) -> Path:
    """Return the archive of the tool box, made when the cache lacks it."""
    path = places.cache / "images" / f"box-{_key(_FETCH + _APPLETS.encode())}.tar"
    if not path.exists():
        busybox = FileEntry("bin/busybox", Path("/bin/busybox").read_bytes())
        links = [FileEntry(f"bin/{name}", link="busybox", mode=0o777) for name in _APPLETS.split()]
        users = FileEntry(
            "etc/passwd", b"root:x:0:0::/:/bin/sh\nbox:x:65532:65532::/tmp:/bin/sh\n", 0o644
        )
        fetch = FileEntry("bin/fetch", _FETCH)
        keep = FileEntry("tmp/.keep", mode=0o644)
        config = {"Cmd": ["sh"], "User": "65532:65532", "Env": ["PATH=/bin"]}
        write_archive(path, BOX_IMAGE, layer_of([busybox, fetch, users, keep, *links]), config)
    return path


def _compile_pause() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "pause.c"), Path(folder, "pause")
        source.write_text(_PAUSE)
        command = ["gcc", "-static", "-Os", "-s", "-o", str(program), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"the pause program does not compile: {done.stderr.strip()}")
        return program.read_bytes()


def _key(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
