"""A run as JUnit XML: one test case per threshold and assert, one for the verdict, so that CI shows which rule broke.

Source: the format has no standard; this is the common subset (testsuite, testcase, failure, error, skipped)
that Jenkins, GitLab and GitHub's reporters read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from kload_runner.report.view import View

# XML 1.0 §2.2 allows no other control characters, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(views: Iterable[View]) -> str:
    """Write runs as one XML document, a suite each."""
    root = ElementTree.Element("testsuites")
    for view in views:
        root.append(_suite(view))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(view: View) -> ElementTree.Element:
    cases = [_verdict_case(view), *(_threshold_cases(view))]
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(view.title),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{view.result.duration_s:.3f}",
    )
    if view.result.started_at:
        suite.set("timestamp", view.result.started_at.isoformat(timespec="seconds"))
    suite.extend(cases)
    return suite


def _verdict_case(view: View) -> ElementTree.Element:
    case = _case(view, "verdict")
    if view.verdict == "Failed":
        _outcome(case, "failure", view.reason, view.message)
    elif not view.passed:
        _outcome(case, "error", view.reason or view.verdict, f"{view.verdict}: {view.message}")
    return case


def _threshold_cases(view: View) -> Iterable[ElementTree.Element]:
    for threshold in view.result.thresholds:
        rule = f"{threshold.key} {threshold.definition.text}"
        case = _case(view, rule)
        if not threshold.judged:
            _outcome(case, "skipped", "not judged", "a quick run does not judge counts")
        elif threshold.held is None:
            _outcome(case, "error", "no samples", f"{rule}: no samples")
        elif not threshold.held:
            _outcome(case, "failure", "threshold broken", f"{rule}: observed {threshold.shown}")
        yield case


def _case(view: View, name: str) -> ElementTree.Element:
    return ElementTree.Element(
        "testcase", classname=_clean(f"kload.{view.title}"), name=_clean(name)
    )


def _outcome(case: ElementTree.Element, kind: str, type_: str, message: str) -> None:
    ElementTree.SubElement(case, kind, type=_clean(type_), message=_clean(message))


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
