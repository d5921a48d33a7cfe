"""The program as a whole: its commands, what it imports for them, and Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from kload_runner.cli import new
from kload_runner.cli.main import COMMANDS, main
from kload_runner.cli.parser import new_parser


@pytest.mark.parametrize(("name", "summary"), COMMANDS.items())
def test_the_list_of_commands_says_what_each_says_of_itself(name: str, summary: str) -> None:
    parser, commands = new_parser("", epilog="", version="")
    import_module(f"kload_runner.cli.{name}").add_to(commands)
    assert f"    {name}" in parser.format_help()
    assert commands.choices[name].description == summary


def test_help_needs_no_engine() -> None:
    code = """
import sys
from kload_runner.cli.main import main
try:
    main(["--help"])
except SystemExit:
    print(sorted(name for name in ("pydantic", "uvloop", "httpx", "yaml") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_run_takes_nothing_along_that_only_pages_and_reports_need() -> None:
    late = ("prometheus_client", "xml", "httpx", "jinja2")
    code = f"""
import sys
import kload_runner.cli.run
print([name for name in {late} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ctrl_c_outside_a_run_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(new, "new", interrupted)
    assert main(["new", "x.yaml"]) == 105
    assert capsys.readouterr().err == "kload: stopped by Ctrl-C\n"
