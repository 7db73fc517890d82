"""Who is there, by what each says of itself."""
from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from services.ingest.pools import Member, Members, Report
from services.ingest.pools.member import decode
from services.ingest.pools.members import RENEW_S, TTL_S
from vonglau.broker import Entry

PEER = Member("north", "ingest-1", "10.0.0.1:7070", 200, report=Report(cameras=7, recording=6, withheld=1, bitrate_bps=28_000_000, spool_bytes=5))
OWN = Member("north", "ingest-0", "", 100)


def said(member: Member, revision: int = 1) -> Entry:
    return Entry(member.key, member.encode(), revision)


def gone(member: Member) -> Entry:
    return Entry(member.key, None, 9)


async def followed(bucket: Any, *entries: Entry) -> tuple[Members, list[list[str]]]:
    """Who was there each time that something was told."""
    bucket.watched = [*entries, None]
    members, told = Members(bucket, OWN, Report), list[list[str]]()
    await members.follow(lambda: told.append(sorted(members.live())))
    return members, told


@pytest.mark.parametrize("member", [PEER, replace(PEER, is_leaving=True), OWN])
def test_a_member_is_read_as_it_said_itself(member: Member) -> None:
    assert decode(said(member)) == member


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"address": "a:1", "most": "many", "leaving": false}'])
def test_what_cannot_be_read_is_no_member(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert decode(Entry(PEER.key, value, 1)) is None
    assert "member.north.ingest-1" in caplog.text


async def test_coming_leaving_and_going_are_told_and_how_one_is_doing_is_not(bucket: Any) -> None:
    busier = replace(PEER, report=replace(PEER.report, cameras=8))
    leaving = replace(busier, is_leaving=True)
    members, told = await followed(bucket, said(PEER), said(busier), said(leaving), gone(leaving), gone(leaving))
    assert told == [["ingest-1"], ["ingest-1"], []]
    assert members.peers == []


async def test_the_others_are_all_but_oneself(bucket: Any) -> None:
    members, _ = await followed(bucket, said(OWN), said(PEER))
    assert (sorted(members.live()), members.peers) == (["ingest-0", "ingest-1"], [PEER])


async def test_who_is_not_heard_of_counts_no_longer_even_where_its_expiry_was_missed(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    members, _ = await followed(bucket, said(PEER))
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + 2 * TTL_S + 1)
    assert members.live() == {}


async def test_a_process_says_how_it_stands_and_that_it_leaves(bucket: Any) -> None:
    members = Members(bucket, OWN, lambda: Report(cameras=3))
    members.listens_at("10.0.0.2:7070")
    await members.say()
    assert decode(await bucket.get(OWN.key)) == replace(OWN, address="10.0.0.2:7070", report=Report(cameras=3))
    await members.leave()
    assert decode(await bucket.get(OWN.key)) == replace(OWN, address="10.0.0.2:7070", is_leaving=True, report=Report(cameras=3))
    await members.gone()
    assert decode(await bucket.get(OWN.key)) is None


async def test_another_pools_members_are_read_anew_when_they_may_have_renewed(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    south, members = replace(PEER, pool="south"), Members(bucket, OWN, Report)
    bucket.watched = [said(south), None]
    assert await members.of("south") == {"ingest-1": south}
    bucket.watched = [None]
    assert await members.of("south") == {"ingest-1": south}, "as it was a moment ago"
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + RENEW_S + 1)
    assert await members.of("south") == {}
