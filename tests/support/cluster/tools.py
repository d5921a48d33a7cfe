"""The cluster's programs: built once from source by pinned modules, kept in the cache.

Each tool has a module of its own under ``tools/`` (their dependencies clash otherwise): go.mod and go.sum decide
every byte that is compiled. The cache is keyed by the version and the checksum of those files and the flags: an
edit builds anew and going back finds the old build. A program is moved to its place when it is whole: a build that
was cut off resumes with the first program that is missing, and Go's own cache keeps what was compiled of that one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.failures import ClusterError
from cluster.output import duration, say

MODULES = Path(__file__).parent / "tools"


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its name, its main package, and the seconds a cold build took on two cores."""

    name: str
    package: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Tool:
    """A pinned module and the programs built from it.

    Attributes:
        name: the folder under ``tools/``.
        module: the module whose version is the tool's.
        programs: what is built.
        version_variables: variables the linker sets to the version, for tools that would not know theirs.
    """

    name: str
    module: str
    programs: tuple[Program, ...]
    version_variables: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return MODULES / self.name

    def version(self) -> str:
        """Return the version that go.mod pins, e.g. ``v1.36.3``."""
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        match = re.search(rf"^(?:require)?\s*{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if not match:
            raise ClusterError(f"{self.folder}/go.mod does not require {self.module}")
        return match[1]

    def linker_flags(self) -> str:
        """Return the value of ``-ldflags``."""
        version = self.version()
        major, minor = version.lstrip("v").split(".")[:2]
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        flags = ["-s", "-w"]
        for variable in self.version_variables:
            value = values.get(variable.rpartition(".")[2], version.lstrip("v"))
            flags.append(f"-X {variable}={value}")
        return " ".join(flags)

    def key(self) -> str:
        """Return the name of the folder in the cache: version and checksum."""
        digest = hashlib.sha256(self.linker_flags().encode())
        for name in ("go.mod", "go.sum"):
            digest.update((self.folder / name).read_bytes())
        return f"{self.name}-{self.version()}-{digest.hexdigest()[:12]}"


def _kubernetes(*commands: tuple[str, int]) -> tuple[Program, ...]:
    return tuple(Program(name, f"k8s.io/kubernetes/cmd/{name}", took) for name, took in commands)


_KUBERNETES_VARIABLES = tuple(
    f"k8s.io/{package}.{variable}"
    for package in ("component-base/version", "client-go/pkg/version")
    for variable in ("gitVersion", "gitMajor", "gitMinor")
)

TOOLS = (
    Tool(
        "kubernetes",
        "k8s.io/kubernetes",
        _kubernetes(
            ("kube-apiserver", 270),
            ("kube-controller-manager", 60),
            ("kube-scheduler", 5),
            ("kubelet", 20),
            ("kube-proxy", 10),
            ("kubectl", 20),
        ),
        _KUBERNETES_VARIABLES,
    ),
    Tool("etcd", "go.etcd.io/etcd/server/v3", (Program("etcd", "go.etcd.io/etcd/server/v3", 30),)),
    Tool(
        "coredns",
        "github.com/coredns/coredns",
        (Program("coredns", "github.com/coredns/coredns", 120),),
    ),
    Tool(
        "prometheus",
        "github.com/prometheus/prometheus",
        (
            Program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", 300),
            Program("promtool", "github.com/prometheus/prometheus/cmd/promtool", 10),
        ),
        ("github.com/prometheus/common/version.Version",),
    ),
    Tool("kwok", "sigs.k8s.io/kwok", (Program("kwok", "sigs.k8s.io/kwok/cmd/kwok", 80),)),
    Tool("helm", "helm.sh/helm/v4", (Program("helm", "helm.sh/helm/v4/cmd/helm", 120),)),
)


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Paths of the built programs, by name; also the versions, by tool."""

    paths: Mapping[str, Path]
    versions: Mapping[str, str]

    def __getitem__(self, program: str) -> str:
        return str(self.paths[program])


def find(cache: Path, tools: tuple[Tool, ...] = TOOLS) -> Toolbox:
    """Return where each program is or will be; does not look whether it is there."""
    paths = {
        program.name: cache / "bin" / tool.key() / program.name
        for tool in tools
        for program in tool.programs
    }
    return Toolbox(paths, {tool.name: tool.version() for tool in tools})


def build(cache: Path, tools: tuple[Tool, ...] = TOOLS) -> Toolbox:
    """Build what the cache does not hold yet and return the paths.

    Raises:
        ClusterError: a program could not be built; the compiler's last lines are in the text.
    """
    box = find(cache, tools)
    if all(path.exists() for path in box.paths.values()):
        return box
    with _lock(cache):
        missing = [
            (tool, program)
            for tool in tools
            for program in tool.programs
            if not box.paths[program.name].exists()
        ]
        left = sum(program.seconds for _, program in missing)
        if missing:
            say(f"building {len(missing)} programs, once: about {duration(left)} on two cores")
        for position, (tool, program) in enumerate(missing, start=1):
            say(
                f"  [{position}/{len(missing)}] {program.name} {tool.version()}: about"
                f" {duration(program.seconds)}, {duration(left)} to go"
            )
            began = time.monotonic()
            _build_one(tool, program, box.paths[program.name])
            left -= program.seconds
            say(f"      took {duration(time.monotonic() - began)}")
    return box


def _build_one(tool: Tool, program: Program, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    command = ["nice", "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", tool.linker_flags(), "-o", str(unfinished), program.package]
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    done = subprocess.run(
        command, cwd=tool.folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"building {program.name} failed:\n{done.stderr.strip()[-2000:]}")
    unfinished.rename(path)


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    """Let one process build at a time; the others wait and then find everything there."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "build.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is building the tools; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
