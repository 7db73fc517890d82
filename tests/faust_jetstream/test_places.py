import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faust_jetstream.errors import BadSetting
from faust_jetstream.places import (
    ExistingStream,
    Names,
    StateTopic,
    StreamPerPartition,
    StreamPerTopic,
    existing,
    in_state,
    key_token,
    mapped,
    text_of,
    token,
)

NAMES = Names("city", "counts-v1")


@given(st.text(min_size=1, max_size=30))
@example("\u1ea1")
@example("\x1eA1")
def test_a_name_can_be_read_from_its_token_and_so_shares_it_with_no_other(name: str) -> None:
    assert text_of(token(name)) == name
    assert not set(".*> \t") & set(token(name))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_different_keys_never_share_a_subject(one: bytes, other: bytes) -> None:
    place = StateTopic(NAMES, "t", 1, compacting=True)
    assert (place.subject(0, one) == place.subject(0, other)) == (one == other)


def test_a_long_key_still_fits_a_subject() -> None:
    assert len(key_token(b"x" * 10_000)) < 50


def test_partitions_have_streams_of_their_own_in_the_partition_layout() -> None:
    place = StreamPerPartition(NAMES, "a.b", 2)
    assert (place.stream(1), place.filter(1), place.subject(1, b"k")) == ("CITY_a=2Eb_1", None, "city.a=2Eb.1")


def test_partitions_share_a_stream_in_the_topic_layout() -> None:
    place = StreamPerTopic(NAMES, "t", 2)
    assert (place.stream(1), place.filter(1), place.subject(1, b"k")) == ("CITY_t", "city.t.1", "city.t.1")


@pytest.mark.parametrize("kind", [StreamPerPartition, StreamPerTopic, StateTopic])
def test_a_compacted_topic_has_a_subject_per_key(kind: type[StreamPerPartition]) -> None:
    place = kind(NAMES, "t", 2, compacting=True)
    assert place.subject(1, b"k").endswith(".1.6b")


def test_outputs_in_the_state_stream_never_replace_each_other() -> None:
    place = StateTopic(NAMES, "t", 2)
    assert place.unique_subject(1, "a-1") != place.unique_subject(1, "a-2")
    assert place.filter(1) == "city-state.counts-v1.out.t.1.*"


def test_an_existing_stream_gives_partition_and_key_by_its_subjects() -> None:
    place = mapped(NAMES, "sightings", 8, existing("FACTS", "fact.sighting.{partition}.{key}"))
    assert isinstance(place, ExistingStream)
    assert (place.stream(3), place.filter(3), place.key_of("fact.sighting.3.camera-7")) == ("FACTS", "fact.sighting.3.*", b"camera-7")


def test_an_existing_stream_need_not_carry_keys() -> None:
    place = ExistingStream(NAMES, "s", 8, stream_name="FACTS", pattern="fact.{partition}.>")
    assert place.key_of("fact.3.camera-7") is None


@pytest.mark.parametrize("pattern", ["fact.sighting.*", "fact.{partition}.{partition}", "fact.p{partition}"])
def test_a_pattern_names_the_partition_once_as_a_whole_token(pattern: str) -> None:
    with pytest.raises(BadSetting, match="exactly one token"):
        existing("FACTS", pattern)


def test_a_topic_can_ask_to_ride_on_commits() -> None:
    assert isinstance(mapped(NAMES, "alerts", 2, in_state()), StateTopic)


def test_a_topic_that_names_no_place_gets_none() -> None:
    assert mapped(NAMES, "alerts", 2, {"retention.ms": "1000"}) is None
