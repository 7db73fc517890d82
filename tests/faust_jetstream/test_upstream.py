"""Upstream's own tests of its consumer with our class in its place; the source package is fetched by pip, so this is long.

What differs is listed with its reason, and the list is exact: a test that begins to pass, or to fail, shows.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faust_jetstream.upstream import unpacked

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

#: They fail with the stock class as well: they need the event_loop fixture of an older pytest-asyncio.
OF_THE_ENVIRONMENT = ("test_getmany", "test_getmany_buffered", "test__wait_for_ack")

DIFFERENT = {
    "test__add_gap": "offsets that do not exist need no bookkeeping",
    "test__wait_next_records__flow_inactive": "waits for flow by the service's stop-aware wait",
    "test__wait_next_records__no_active_tps": "does not sleep a second when every buffer is full",
    "test_commit_offsets": "tidies up consumed outputs of the state stream afterwards",
    "test_commit_offsets__in_transaction": "the same",
    "test_filter_committable_offsets": "asserts how the acknowledged lists are sliced; here the order of delivery decides",
    "test_force_commit": "tells a meter how long it took, which the double does not have",
    "test_new_offset": "asserts the acknowledged lists; with nothing delivered there is nothing to commit",
    "test_new_offset_with_gaps": "the same",
    "test_on_stop": "leaves the group and closes readers, which the double does not have",
}

SHIM = """
import _pytest.assertion.util as util

for name in ("_compare_eq_dict", "_compare_eq_set"):
    if not hasattr(util, name):
        setattr(util, name, lambda *args, **kwargs: [])
"""


@pytest.fixture(scope="module")
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upstream's tests, apart from its package: the installed one is tested."""
    source = unpacked(request.config, tmp_path_factory.mktemp("upstream"))
    (source / "shim.py").write_text(SHIM, encoding="utf-8")
    (source / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n", encoding="utf-8")
    theirs = source / "tests" / "unit" / "transport" / "test_consumer.py"
    text, swapped = re.subn(
        r"^class MyConsumer\(MockedConsumerAbstractMethods, Consumer\):",
        "from faust_jetstream.consumer import Consumer as Ours\n\n\nclass MyConsumer(MockedConsumerAbstractMethods, Ours):",
        theirs.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert swapped == 1
    theirs.write_text(text, encoding="utf-8")
    return source


def test_our_consumer_differs_from_upstreams_only_where_it_means_to(upstream: Path) -> None:
    excluded = " and not ".join(OF_THE_ENVIRONMENT)
    command = [sys.executable, "-m", "pytest", "-p", "shim", "tests/unit/transport/test_consumer.py", "-k", f"TestConsumer and not {excluded}"]
    done = subprocess.run(
        [*command, "-q", "--timeout", "60", "-W", "ignore", "-p", "no:cacheprovider"],
        cwd=upstream,
        env={**os.environ, "PYTHONPATH": str(upstream)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = set(re.findall(r"^FAILED \S+::TestConsumer::(\w+)", done.stdout, flags=re.MULTILINE))
    passed = re.search(r"(\d+) passed", done.stdout)
    assert failed == set(DIFFERENT), done.stdout[-3000:]
    assert passed is not None
    assert int(passed[1]) >= 47
