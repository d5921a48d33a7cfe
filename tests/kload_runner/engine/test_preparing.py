"""What is known only when a run is prepared, and refused there: nothing has been sent by then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plays import perform, planned
from scripted_target import serving

from kload_runner.engine import RunnerFacts
from kload_runner.engine.facts import masker
from kload_spec.control import RunIdentity, TargetLimits
from kload_spec.errors import InvalidSpec
from kload_spec.plan import EnvDeclaration

Spec = dict[str, Any]
URL = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("url", "step", "place", "message"),
    [
        pytest.param("$(env.X)", {"get": "/"}, "spec.target.baseURL", "nonsense", id="base-url"),
        pytest.param(URL, {"get": "http://$(env.X) y/"}, "steps[0]", "host", id="url"),
        pytest.param(
            URL, {"get": "/", "headers": "$(jsonDecode(env.X))"}, "steps[0]", "JSON", id="headers"
        ),
        pytest.param(
            URL,
            {"get": "/", "headers": {"A": "$(env.BREAK)"}},
            "steps[0]",
            "line break",
            id="header",
        ),
    ],
)
async def test_what_the_environment_makes_wrong_is_refused_with_its_place(
    url: str, step: Spec, place: str, message: str
) -> None:
    env = {"X": "nonsense", "BREAK": "a\nb"}
    declared = [{"name": name, "value": value} for name, value in env.items()]
    test = planned(None, step, env=declared, target={"baseURL": url})
    with pytest.raises(InvalidSpec) as refused:
        await perform(test, env=env)
    assert place in refused.value.problems[0].path
    assert message in refused.value.problems[0].message


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        pytest.param({"ca": {"file": "gone.pem"}}, "gone.pem", id="no-file"),
        pytest.param({"ca": {"file": "junk.pem"}}, "tls", id="no-certificate"),
    ],
)
async def test_certificates_that_cannot_be_used_are_refused(
    tmp_path: Path, tls: Spec, message: str
) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    test = planned("https://127.0.0.1:1", {"get": "/"}, target={"tls": tls})
    with pytest.raises(InvalidSpec, match=message):
        await perform(test, base_dir=tmp_path)


async def test_all_files_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1\n")
    test = planned(
        "https://127.0.0.1:1",
        {"post": "/", "multipart": {"files": {"image": "gone.png"}}},
        target={
            "tls": {"ca": {"file": "gone.pem"}, "cert": {"file": "gone.crt"}, "key": {"env": "KEY"}}
        },
        scenario={"data": "users"},
        env=[{"name": "KEY", "value": "k"}],
        data={"users": {"file": "bad.csv"}, "unused": {"file": "gone.csv"}},
    )
    with pytest.raises(InvalidSpec) as refused:
        await perform(test, base_dir=tmp_path)
    assert sorted(str(problem) for problem in refused.value.problems) == [
        "spec.data.users.file: bad.csv, line 2: not as many fields as the header has",
        "spec.scenarios.play.steps[0].multipart.files: gone.png: No such file or directory",
        "spec.target.tls.ca: gone.pem: No such file or directory",
        "spec.target.tls.cert: gone.crt: No such file or directory",
    ]


async def test_addresses_that_are_denied_are_never_connected_to() -> None:
    async with serving() as target:
        test = planned(target.url, {"get": "/"}, {"log": "$(error)"})
        play = await perform(test, limits=TargetLimits(denied=("127.0.0.0/8",)))
    assert (play.logs, target.asked) == (["policy"], [])


async def test_a_limit_that_is_no_network_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="limits"):
        await perform(planned(URL, {"get": "/"}), limits=TargetLimits(allowed=("10.0.0.0/99",)))


def test_only_secrets_are_masked_the_longest_first() -> None:
    declared = [
        EnvDeclaration("A", secret=True),
        EnvDeclaration("B", secret=True),
        EnvDeclaration("C"),
        EnvDeclaration("D", secret=True),
    ]
    mask = masker(declared, {"A": "hunter", "B": "hunter22", "C": "public", "D": "x"})
    assert mask("hunter22 hunter public x") == "*** *** public x"


@pytest.mark.parametrize(
    "written",
    [
        "k=p%40ss%20w0rd%2F%22%0A",
        "k=p%40ss+w0rd%2F%22%0A",
        "/p@ss%20w0rd/%22%0A",
        '{"k":"p@ss w0rd/\\"\\n"}',
        repr('p@ss w0rd/"\n'),
        "cEBzcyB3MHJkLyIK",
    ],
    ids=["query", "form", "path", "json", "message", "base64"],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    mask = masker([EnvDeclaration("K", secret=True)], {"K": 'p@ss w0rd/"\n'})
    assert "***" in mask(written)
    assert "w0rd" not in mask(written)


async def test_a_secret_is_not_in_what_is_refused_while_preparing() -> None:
    test = planned(
        URL,
        {"get": "/$(env.KEY)"},
        env=[{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}],
    )
    with pytest.raises(InvalidSpec, match=r"a URL cannot hold line breaks") as refused:
        await perform(test, env={"KEY": "secret\nsecret"})
    assert "secret" not in str(refused.value)


def test_secrets_are_not_in_the_runners_repr() -> None:
    facts = RunnerFacts(run=RunIdentity(uid="u"), env={"KEY": "topsecret"})
    assert "topsecret" not in repr(facts)
