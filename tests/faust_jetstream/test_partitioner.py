import pytest
from nats.js import JetStreamContext, api

from faust_jetstream.partitioner import any_partition, fnv1a, partition_of


@pytest.mark.parametrize(("text", "hash_"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_the_hash_gives_the_published_test_vectors(text: str, hash_: int) -> None:
    assert fnv1a(text.encode()) == hash_


def test_messages_without_a_key_reach_every_partition() -> None:
    assert {any_partition(4) for _ in range(500)} == {0, 1, 2, 3}


@pytest.mark.loopback
async def test_a_key_gets_the_partition_that_the_servers_transform_gives_it(js: JetStreamContext, name: str) -> None:
    transform = api.SubjectTransform(src=f"{name}.in.*", dest=f"{name}.out.{{{{partition(7,1)}}}}.{{{{wildcard(1)}}}}")
    await js.add_stream(api.StreamConfig(name=name, subjects=[f"{name}.in.*"], subject_transform=transform))
    keys = [f"camera-{number}" for number in range(100)]
    for key in keys:
        await js.publish(f"{name}.in.{key}", b"")
    placed = {}
    for sequence in range(1, len(keys) + 1):
        _, _, partition, key = str((await js.get_msg(name, sequence)).subject).split(".")
        placed[key] = int(partition)
    assert placed == {key: partition_of(key.encode(), 7) for key in keys}
