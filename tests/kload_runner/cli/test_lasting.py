"""What a command prints may be lost; the command itself, and its exit code, may not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kload_runner.cli import new
from kload_runner.cli.lasting import lasting_output
from kload_runner.cli.main import main


def test_a_command_outlives_whoever_read_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(options: object) -> int:
        print("x" * 100_000, flush=True)
        return 99

    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(new, "new", failed)
    with open(writer, "w", encoding="utf-8") as gone, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", gone)
        assert main(["new", "x.yaml"]) == 99


def test_what_is_written_arrives_while_somebody_reads(capsys: pytest.CaptureFixture[str]) -> None:
    with lasting_output():
        print("out")
        print("error", file=sys.stderr)
    assert capsys.readouterr() == ("out\n", "error\n")


def test_closed_output_is_none_to_worry_about() -> None:
    code = "import os, sys; from kload_runner.cli.main import main; sys.exit(main(['wait', 'x', '--timeout', 'soon']))"
    closing = f'exec {sys.executable} -c "{code}" 0<&- 1>&- 2>&-'
    assert subprocess.run(["sh", "-c", closing], check=False).returncode == 104


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has this file")
def test_a_full_disk_behind_the_output_does_not_change_the_exit_code() -> None:
    code = "import sys; from kload_runner.cli.main import main; sys.exit(main(['wait', 'x', '--timeout', 'soon']))"
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=full, check=False)
    assert done.returncode == 104
