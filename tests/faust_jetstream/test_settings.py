from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from faust_jetstream.errors import BadSetting
from faust_jetstream.settings import Settings, read_settings

CONF = SimpleNamespace(
    id="app", broker_session_timeout=60.0, broker_heartbeat_interval=3.0, broker_request_timeout=90.0, broker_rebalance_timeout=60.0, topic_replication_factor=1
)


def read(*urls: str, **conf: Any) -> Settings:
    return read_settings([URL(url) for url in urls], SimpleNamespace(**{**vars(CONF), **conf}))


def test_every_url_names_a_server_and_the_first_one_carries_the_options() -> None:
    settings = read("nats://one/?prefix=city&layout=topic", "nats://two:5222")
    assert settings.access.servers == ("nats://one:4222", "nats://two:5222")
    assert (settings.prefix, settings.layout) == ("city", "topic")


def test_user_and_password_come_from_the_url_unescaped() -> None:
    access = read("nats://me:p%40ss@host").access
    assert (access.user, access.password) == ("me", "p@ss")


def test_a_password_does_not_show_when_settings_are_printed() -> None:
    assert "hush" not in repr(read("nats://me:hush@host/?token=hush"))


def test_faust_settings_count_where_the_url_says_nothing() -> None:
    settings = read("nats://host", broker_session_timeout=12.0, topic_replication_factor=3)
    assert (settings.lease, settings.replicas) == (12.0, 3)


def test_leases_are_renewed_at_least_three_times_before_they_run_out() -> None:
    settings = read("nats://host/?lease=6", broker_heartbeat_interval=30.0)
    assert settings.beat * 3 <= settings.lease_ttl


@pytest.mark.parametrize(("lease", "ttl"), [("3", 2), ("4.5", 3), ("60", 59)])
def test_the_server_drops_a_lease_early_enough_for_the_others_to_notice_within_it(lease: str, ttl: int) -> None:
    assert read(f"nats://host/?lease={lease}").lease_ttl == ttl


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("prefx=a", "did you mean 'prefix'?"),
        ("zzz=1", "known are"),
        ("replicas=three", "not a number"),
        ("trace=yes", "give 0 or 1"),
        ("layout=queue", "partition, topic"),
        ("storage=tape", "file, memory"),
        ("prefix=a.b", "letters, digits"),
        ("lease=2", "at least 3"),
        ("replicas=9", "1 to 5"),
    ],
)
def test_a_setting_that_cannot_be_names_what_can(query: str, fix: str) -> None:
    with pytest.raises(BadSetting, match=fix.replace("?", r"\?")):
        read(f"nats://host/?{query}")
