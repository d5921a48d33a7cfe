"""The operator's configuration is parsed once, and what is wrong with it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_operator.settings import Settings, SettingsError, load_settings

FULL = """
namespace: load
watchNamespaces: [a, b]
runnerImage: registry/kload:1
runnerAccess: proxy
prometheus:
  - {url: "http://team:9090/", namespaces: [team-*], headers: {X-Scope-OrgID: t}, matchers: {cluster: c}}
  - {url: "https://all"}
limits: {maxRunners: 5, maxVUs: 100, maxDuration: 1h30m, deniedTargets: [10.0.0.0/8]}
times: {look: 1s, scrapesWithin: 45s}
"""


def written(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "operator.yaml"
    path.write_text(text)
    return {"KLOAD_CONFIG": str(path)}


def test_a_full_file_is_read(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, FULL))
    assert settings.watch_namespaces == ("a", "b")
    assert settings.limits.max_duration_s == 5400
    assert settings.limits.denied_targets == ("10.0.0.0/8",)
    assert (settings.times.look_s, settings.times.scrapes_within_s) == (1, 45)
    assert settings.prometheus[0].url == "http://team:9090"


@pytest.mark.parametrize("text", ["", "{}"])
def test_without_a_word_defaults_hold(tmp_path: Path, text: str) -> None:
    assert load_settings(written(tmp_path, text)) == Settings() == load_settings({})


@pytest.mark.parametrize(
    ("namespace", "url"),
    [("team-x", "http://team:9090"), ("team", "https://all"), ("other", "https://all")],
)
def test_the_first_prometheus_that_serves_a_namespace_is_asked(
    tmp_path: Path, namespace: str, url: str
) -> None:
    found = load_settings(written(tmp_path, FULL)).prometheus_for(namespace)
    assert found is not None
    assert found.url == url


def test_a_namespace_nobody_serves_has_no_prometheus(tmp_path: Path) -> None:
    text = "prometheus: [{url: 'http://p', namespaces: [a]}]"
    assert load_settings(written(tmp_path, text)).prometheus_for("b") is None


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environment = written(tmp_path, FULL) | {
        "KLOAD_RUNNER_IMAGE": "mine:2",
        "KLOAD_WATCH_NAMESPACES": "c, d,",
        "KLOAD_NAMESPACE": "elsewhere",
    }
    settings = load_settings(environment)
    assert (settings.runner_image, settings.watch_namespaces) == ("mine:2", ("c", "d"))
    assert settings.namespace == "load", "the file's own namespace stays"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("prometheus: [{url: prom:9090}]", "prometheus.0.url", id="no scheme"),
        pytest.param("limits: {maxDuration: forever}", "limits.maxDuration", id="no duration"),
        pytest.param("limits: {maxRunners: 0}", "limits.maxRunners", id="no runner"),
        pytest.param("promethius: []", "promethius", id="unknown field"),
        pytest.param("runnerAccess: tunnel", "runnerAccess", id="unknown access"),
        pytest.param("times: {armAhead: 1s}", "times.armAhead", id="armed too near"),
        pytest.param("[]", "is no map", id="a list"),
        pytest.param("a: [", "operator.yaml", id="no YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named.replace(".", r"\.")):
        load_settings(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load_settings({"KLOAD_CONFIG": str(tmp_path / "nowhere.yaml")})
