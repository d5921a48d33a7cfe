"""The target: its base URL, and kload's defaults."""

from __future__ import annotations

import pytest
from manifests import faults, manifest

from kload_spec.planning import Overrides, plan


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("shop.test", "'shop.test' is no http URL; write http://... or https://..."),
        ("http://", "'http:' names no host; write e.g. http://shop.staging.svc:8080"),
        (
            "http://x.test/?a=1",
            "'http://x.test/?a=1' has a query or fragment, but paths of steps follow it; leave that away",
        ),
        ("http://x.test:abc", "is no URL"),
    ],
)
def test_a_base_that_is_no_url_is_refused(url: str, said: str) -> None:
    assert said in faults(manifest(target={"baseURL": url}))[0]
    assert faults(manifest(), Overrides(target=url))[0].startswith("--target: ")


def test_a_base_may_come_from_the_environment() -> None:
    planned = plan(manifest(target={"baseURL": "$(env.BASE)"}, env=[{"name": "BASE"}]))
    assert planned.target.base_url is not None
    assert planned.target.base_url.names == {"env.BASE"}


def test_the_target_is_complete() -> None:
    target = {
        "baseURL": "https://x.test/api/", "connectTimeout": "2s", "cookies": False, "maxBody": "1MiB", "dnsTTL": "5s",
        "tls": {"ca": {"env": "CA"}, "cert": {"file": "c.pem"}, "key": {"file": "k.pem"}, "serverName": "y"},
        "ready": {"get": "/up", "timeout": "3s", "expect": 204},
    }  # fmt: skip
    found = plan(manifest(target=target, env=[{"name": "CA"}])).target
    assert found.base_url is not None
    assert found.base_url.constant == "https://x.test/api"
    assert (found.connect_timeout_s, found.cookies, found.max_body_bytes, found.dns_ttl_s) == (
        2.0,
        False,
        2**20,
        5.0,
    )
    assert (found.tls.ca_env, found.tls.cert_file, found.tls.server_name) == ("CA", "c.pem", "y")
    assert found.ready is not None
    assert (found.ready.timeout_s, found.ready.expect.ranges) == (3.0, ((204, 204),))
