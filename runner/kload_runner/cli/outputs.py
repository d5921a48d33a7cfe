"""Where results go: the run's own folder under .kload/runs, and the files asked for with --out and --report.

Files are written whole or not at all (a temporary file, then a rename), so that a pipeline never reads half a result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kload_runner.cli.output import Refused
from kload_runner.report.markdown import markdown
from kload_runner.report.view import View
from kload_spec.result import Result

RUNS = Path(".kload") / "runs"
RESULT_FILE = "result.json.gz"
DEVICES = Path("/dev")

Writer = Callable[[Sequence[View]], str]


def _json(views: Sequence[View]) -> str:
    documents = [view.result.model_dump_json(by_alias=True, indent=2) for view in views]
    return (documents[0] if len(documents) == 1 else "[" + ",\n".join(documents) + "]") + "\n"


def _markdown(views: Sequence[View]) -> str:
    return "\n".join(markdown(view) for view in views)


def _junit(views: Sequence[View]) -> str:
    from kload_runner.report.junit import junit  # late: it takes an XML library with it

    return junit(views)


def _html(views: Sequence[View]) -> str:
    from kload_runner.report.html import (
        html,  # late: its templates are of no use to the other forms
    )

    return html(views)


@dataclass(frozen=True, slots=True)
class Format:
    """A form of a report: how its files end and who writes it."""

    ending: str
    write: Writer


FORMATS = {
    "json": Format("json", _json),
    "junit": Format("xml", _junit),
    "markdown": Format("md", _markdown),
    "html": Format("html", _html),
}


@dataclass(frozen=True, slots=True)
class Output:
    """One file asked for. `path` is None where only the format was given: then it is named after the LoadTest."""

    format: str
    path: Path | None = None

    def file_for(self, names: Sequence[str]) -> Path:
        """Return the file, named after what was run unless the user named it."""
        return self.path or Path(f"{'-'.join(names)}-results.{FORMATS[self.format].ending}")


def read_outputs(words: Sequence[str], option: str, formats: Sequence[str]) -> list[Output]:
    """Read ``FORMAT`` or ``FORMAT=FILE`` words; raise Refused for an unknown format or what cannot be written."""
    outputs = []
    for word in words:
        name, equals, path = word.partition("=")
        if name not in formats:
            raise Refused.because(
                f"{option} {word}: {name} is none of {', '.join(formats)}; write {option} FORMAT=FILE"
            )
        if equals and not path:
            raise Refused.because(
                f"{option} {word}: the file's name is missing; write {option} {name}=FILE"
            )
        file = Path(path) if path else None
        if file and file.is_dir():
            raise Refused.because(f"{option} {word}: {path} is a folder; name a file in it")
        folder = _existing_folder(file or Path(FORMATS[name].ending))
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            raise Refused.because(
                f"{option} {word}: nothing can be written below {folder}; name a file elsewhere"
            )
        outputs.append(Output(name, file))
    return outputs


def _existing_folder(file: Path) -> Path:
    """Return the nearest folder above a file that is there; those below it are made when the file is written."""
    return next(folder for folder in file.absolute().parents if folder.exists())


def write_outputs(outputs: Sequence[Output], results: Sequence[Result]) -> list[Path]:
    """Write every file asked for, over all results; return the files."""
    views = [View(result) for result in results]
    written = []
    for output in outputs:
        file = output.file_for([result.run.name for result in results])
        write_whole(file, FORMATS[output.format].write(views).encode())
        written.append(file)
    return written


def keep(result: Result, folder: Path = RUNS) -> Path:
    """Keep a result document in a folder of its own, named by time and LoadTest; return the folder."""
    started = f"{result.started_at:%Y%m%dT%H%M%SZ}" if result.started_at else "never-started"
    name = re.sub(r"[^a-zA-Z0-9.-]", "-", result.run.name)
    short = (result.run.uid or "0")[:8]
    run = folder / f"{started}-{name}-{short}"
    write_whole(run / RESULT_FILE, result.to_bytes())
    return run


def write_whole(file: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it; make its folder if need be.

    What is no plain file (a pipe, `/dev/stdout`) is written to, never replaced; of a link, what it leads to is.
    """
    try:
        if file.is_relative_to(DEVICES) or (file.exists() and not file.is_file()):
            with file.open("ab") as out:
                out.write(data)
            return
        real = file.resolve()
        real.parent.mkdir(parents=True, exist_ok=True)
        temporary = real.with_name(f".{real.name}.{os.getpid()}")
        temporary.write_bytes(data)
        temporary.replace(real)
    except OSError as error:
        raise Refused.because(f"cannot write {file}: {error.strerror}", exit_code=1) from error
