"""Allow and deny lists: the order of the rules, and the addresses nobody should reach by accident."""

from __future__ import annotations

import pytest

from kload_runner.wire import InvalidRequest, Policy, parse_rules
from kload_runner.wire.policy import DEFAULT_DENIED


def policy(allow: tuple[str, ...] = (), deny: tuple[str, ...] = ()) -> Policy:
    return Policy(parse_rules(allow), parse_rules(deny))


def refusal(rules: Policy, host: str, address: str) -> str | None:
    return rules.refuse_host(host) or rules.refuse_address(host, address)


@pytest.mark.parametrize(
    ("rules", "host", "address", "because"),
    [
        pytest.param(policy(), "a.test", "192.0.2.1", None, id="no lists"),
        pytest.param(
            policy(deny=("a.test",)), "a.test", "192.0.2.1", "deny list", id="host denied"
        ),
        pytest.param(
            policy(deny=("*.test",)), "a.test", "192.0.2.1", "deny list", id="glob denied"
        ),
        pytest.param(
            policy(deny=("192.0.2.0/24",)), "a.test", "192.0.2.1", "deny list", id="network denied"
        ),
        pytest.param(
            policy(deny=("192.0.2.1",)), "192.0.2.1", "192.0.2.1", "deny list", id="address denied"
        ),
        pytest.param(
            policy(deny=("192.0.2.0/24",)), "a.test", "::ffff:192.0.2.1", "deny list", id="mapped"
        ),
        pytest.param(
            policy(deny=("192.0.2.0/24",)), "a.test", "64:ff9b::c000:201", "deny list", id="NAT64"
        ),
        pytest.param(policy(("a.test",)), "a.test", "192.0.2.1", None, id="host allowed"),
        pytest.param(policy(("*.svc",)), "x.ns.svc", "10.0.0.1", None, id="glob allowed"),
        pytest.param(policy(("*.svc",)), "x.ns.svc.", "10.0.0.1", None, id="trailing dot"),
        pytest.param(
            policy(("a.test",)), "b.test", "192.0.2.1", "not on the allow list", id="other host"
        ),
        pytest.param(policy(("192.0.2.0/24",)), "b.test", "192.0.2.9", None, id="network allowed"),
        pytest.param(
            policy(("192.0.2.0/24",)),
            "b.test",
            "192.0.3.9",
            "not on the allow list",
            id="other network",
        ),
        pytest.param(
            policy(("a.test", "10.0.0.0/8")), "b.test", "10.1.1.1", None, id="either list"
        ),
        pytest.param(
            policy(("a.test",), ("10.0.0.0/8",)), "a.test", "10.1.1.1", "deny list", id="deny wins"
        ),
        pytest.param(policy(), "a.test", "169.254.169.254", "metadata", id="metadata"),
        pytest.param(
            policy(), "a.test", "::ffff:169.254.169.254", "metadata", id="metadata mapped"
        ),
        pytest.param(policy(), "a.test", "fd00:ec2::254", "metadata", id="metadata IPv6"),
        pytest.param(policy(), "a.test", "fe80::1%eth0", "metadata", id="link-local with zone"),
        pytest.param(
            policy(("a.test",)), "a.test", "169.254.169.254", "metadata", id="a name lifts nothing"
        ),
        pytest.param(
            policy(("169.254.169.254",)),
            "a.test",
            "169.254.169.254",
            None,
            id="the address itself does",
        ),
    ],
)
def test_rules_are_applied_in_order(
    rules: Policy, host: str, address: str, because: str | None
) -> None:
    found = refusal(rules, host, address)
    if because is None:
        assert found is None
    else:
        assert found is not None
        assert because in found
        assert host.rstrip(".") in found


@pytest.mark.parametrize("network", DEFAULT_DENIED, ids=str)
def test_every_default_denial_holds(network: object) -> None:
    address = str(network).partition("/")[0]
    assert policy().refuse_address("a.test", address) is not None


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.0/33", "http://a.test", "a b", "::1/200", "a.test:80"]
)
def test_an_entry_that_is_no_rule_is_refused(entry: str) -> None:
    with pytest.raises(InvalidRequest, match="neither a network nor a host pattern"):
        parse_rules([entry])


def test_entries_are_read_without_regard_to_case_and_brackets() -> None:
    rules = parse_rules(["[::1]", "A.Test.", "10.1.2.3/8"])
    assert [str(network) for network in rules.networks] == ["::1/128", "10.0.0.0/8"]
    assert rules.globs == ("a.test",)
