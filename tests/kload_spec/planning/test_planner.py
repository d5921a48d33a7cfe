"""The plan of a whole file: which scenarios run, in which order, and when measuring begins."""

from __future__ import annotations

from manifests import faults, manifest, scenario

from kload_spec.planning import Overrides, plan


def test_scenarios_are_sorted_and_numbered() -> None:
    planned = plan(
        manifest(
            scenarios={
                "b": scenario(vus=3),
                "a": scenario(startTime="5s", gracefulStop="1s", vus=2),
            }
        )
    )
    assert [(s.name, s.load.ordinal, s.load.first_vu) for s in planned.scenarios] == [
        ("a", 0, 1),
        ("b", 1, 3),
    ]
    assert (planned.scenarios[0].load.start_time_s, planned.scenarios[0].load.graceful_stop_s) == (
        5.0,
        1.0,
    )


def test_a_scenario_may_be_switched_by_a_param() -> None:
    document = manifest(
        params={"compare": False},
        scenarios={"buy": scenario(), "base": scenario(enabled="$(params.compare)")},
    )
    assert [s.name for s in plan(document).scenarios] == ["buy"]
    assert [s.name for s in plan(document, Overrides({"compare": "true"})).scenarios] == [
        "base",
        "buy",
    ]
    assert "scenario base is disabled" in plan(document).notes


def test_a_disabled_scenario_is_checked_all_the_same() -> None:
    (fault,) = faults(
        manifest(scenarios={"buy": scenario(), "b": scenario({"get": "/$(x)"}, enabled=False)})
    )
    assert fault.startswith("spec.scenarios.b.steps[0].get")


def test_a_run_of_nothing_is_refused() -> None:
    assert faults(manifest(scenarios={"buy": scenario(enabled=False)})) == [
        "spec.scenarios: none is enabled; there is nothing to run"
    ]


def test_scenarios_can_be_chosen() -> None:
    document = manifest(scenarios={"a": scenario(), "b": scenario(enabled=False)})
    assert [s.name for s in plan(document, Overrides(scenarios=("b",))).scenarios] == ["b"]
    assert faults(document, Overrides(scenarios=("c",))) == [
        "--scenario: there is no scenario 'c'; there are a, b"
    ]


def test_setup_and_teardown_are_no_names_of_scenarios() -> None:
    (fault,) = faults(manifest(scenarios={"setup": scenario()}))
    assert (
        fault
        == "spec.scenarios.setup: 'setup' is the name kload gives to setup itself; use another"
    )


def test_a_quick_run_shorter_than_the_warm_up_measures_all_of_it() -> None:
    document = manifest(scenarios={"buy": scenario(duration="1m")}, measure={"after": "30s"})
    assert plan(document).measure_after_s == 30.0
    assert plan(document, Overrides(duration_s=5.0)).measure_after_s == 0.0


def test_a_warm_up_longer_than_the_load_is_refused() -> None:
    assert faults(manifest(measure={"after": "10s"})) == [
        "spec.measure.after: 10s is not before the end of the load (10s): nothing would count"
    ]
