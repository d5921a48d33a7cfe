"""Parts of the cluster harness that need no cluster: names, addresses, waiting, locks, image archives, manners."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from pathlib import Path

import pytest
from cluster import locks, network, places, prerequisites
from cluster.failures import ClusterError, Unavailable
from cluster.image_archive import FileEntry, layer_of, write_archive
from cluster.network import Addresses
from cluster.waiting import eventually
from fleet.manners import Manner, Manners, write_manners


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 25, "../x"])
def test_a_name_that_cannot_be_a_cluster_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at most 24 of a-z"):
        places.cluster_places(name, {})


def test_the_cache_is_where_caches_are() -> None:
    assert places.cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/kload-e2e")
    assert places.cache_folder({}) == Path.home() / ".cache/kload-e2e"


def test_a_checkout_has_a_cluster_of_its_own_unless_one_is_named() -> None:
    assert places.default_name({"KLOAD_E2E_CLUSTER": "mine"}) == "mine"
    assert places.cluster_places(places.default_name({}), {}).name.startswith("dev-")


def test_addresses_avoid_every_network_of_the_machine() -> None:
    assert network.choose(["192.0.2.0/24", "127.0.0.0/8"]) == Addresses(0)
    assert network.choose([Addresses(0).link_network, Addresses(1).pods]) == Addresses(2)
    with pytest.raises(ClusterError, match="no free addresses"):
        network.choose(["10.0.0.0/8"])


def test_what_makes_a_cluster_impossible_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "blockers", lambda: ["root", "Go 1.26 or newer"])
    with pytest.raises(Unavailable) as refusal:
        prerequisites.require()
    assert str(refusal.value) == "no cluster on this machine, it lacks: root; Go 1.26 or newer"


def test_without_go_or_root_a_cluster_is_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = prerequisites.blockers()
    assert [one.split(" ")[0] for one in found] == ["root", "Go", "apt-get,"]


def test_absent_packages_are_installed_and_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = [["conntrack", "runc"], []]
    asked: list[list[str]] = []
    monkeypatch.setattr(prerequisites, "absent_packages", lambda: absent.pop(0))
    prerequisites.install(asked.append)
    assert [one[0] for one in asked] == ["update", "install"]
    assert asked[1][-2:] == ["conntrack", "runc"]


def test_a_package_that_stays_absent_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "absent_packages", lambda: ["runc"])
    with pytest.raises(ClusterError, match="still not found: runc"):
        prerequisites.install(lambda _: None)


def test_eventually_returns_what_it_waited_for() -> None:
    seen = iter([0, 1, 2, 3])
    assert eventually(lambda: next(seen), until=lambda one: one == 3, every_s=0) == 3


def test_eventually_says_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match=r"the pod did not come within 0 s: saw 'Pending'"):
        eventually(lambda: "Pending", until=lambda _: False, within_s=0, what="the pod")


def test_eventually_takes_a_failed_assertion_for_not_yet() -> None:
    def look() -> bool:
        raise AssertionError("two of three")

    with pytest.raises(AssertionError, match="it did not come within 0 s: two of three"):
        eventually(look, within_s=0)


def test_eventually_ends_at_once_when_it_cannot_come_right() -> None:
    with pytest.raises(AssertionError, match="cannot come right: saw 'Failed'"):
        eventually(lambda: "Failed", until=lambda _: False, unless=lambda one: one == "Failed")


def test_one_holds_an_exclusive_lock_and_no_file_is_left(tmp_path: Path) -> None:
    path, inside, worst = tmp_path / "lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with locks.exclusive_and_removed(path):
                inside[0] += 1
                worst[0] = max(worst[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == [1]
    assert not path.exists()


def test_an_archive_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    files = [FileEntry("bin/tool", b"x"), FileEntry("bin/other", link="tool")]
    for name in ("a", "b"):
        layer = layer_of(files if name == "a" else files[::-1])
        write_archive(tmp_path / name, "localhost/tool:1", layer, {"Cmd": ["tool"]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_archive_holds_together_by_its_digests(tmp_path: Path) -> None:
    layer = layer_of([FileEntry("bin/tool", b"x")])
    write_archive(tmp_path / "a", "localhost/tool:1", layer, {"User": "65532"})
    with tarfile.open(tmp_path / "a") as archive:
        content = {one.name: _read(archive, one) for one in archive.getmembers()}
    for name, blob in content.items():
        if name.startswith("blobs/"):
            assert name.rpartition("/")[2] == hashlib.sha256(blob).hexdigest()
    (entry,) = json.loads(content["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "localhost/tool:1"
    manifest = json.loads(content["blobs/" + entry["digest"].replace(":", "/")])
    assert content["blobs/" + manifest["layers"][0]["digest"].replace(":", "/")] == layer
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getnames() == ["bin", "bin/tool"]


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    assert opened is not None
    return opened.read()


def test_manners_can_be_rewritten_while_the_fleet_runs(tmp_path: Path) -> None:
    path = tmp_path / "manners.json"
    write_manners(path, Manner(load_s=1), r3=Manner(silent=True))
    manners = Manners(path)
    assert (manners.of(0).load_s, manners.of(3).silent, manners.of(3).load_s) == (1, True, 3)
    write_manners(path, Manner(load_s=2, latency_s=0.5))
    assert (manners.of(3).silent, manners.of(3).load_s) == (False, 2)
