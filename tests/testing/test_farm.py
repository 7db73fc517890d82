"""A farm as a client meets it: RTSP, faults on demand, and what a test is told about it."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from vonglau.testing.cameras import CameraFarm, CameraSpec, Faults, UnknownFaultError
from vonglau.testing.cameras.tell import authorization, tell
from vonglau.testing.scenes import SceneSpec

pytestmark = pytest.mark.loopback

TINY = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(2), gop=5, kbps=200)
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
Connect = Callable[[str], Awaitable[Any]]


@asynccontextmanager
async def farm_of(**camera: Any) -> AsyncIterator[CameraFarm]:
    async with CameraFarm([CameraSpec("cam-1", profiles={"main": TINY, "sub": replace(TINY, gop=10)}, **camera)], tick=0.01) as farm:
        yield farm


def stamp(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def number(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


async def soon(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("not within 5 s")


async def drain(client: Any) -> None:
    """Packets, until the connection breaks or what comes is none."""
    while True:
        await client.packet()


async def ends(client: Any) -> None:
    """The connection ends, in whatever way."""
    async with asyncio.timeout(5):
        try:
            while await client.reader.read(65_536):
                pass
        except ConnectionResetError:
            return


async def test_a_client_is_led_from_options_to_play(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        assert "SET_PARAMETER" in (await client.ask("OPTIONS")).headers["public"]
        described = await client.ask("DESCRIBE")
        assert described.headers["content-base"] == farm.url("cam-1") + "/"
        assert "sprop-parameter-sets=" in described.body
        setup = await client.ask("SETUP", f"{client.url}/trackID=1", Transport=TCP)
        assert setup.headers["transport"].startswith(TCP)
        play = await client.ask("PLAY")
        packet = await client.packet()
        assert f"seq={number(packet)};rtptime={stamp(packet)}" in play.headers["rtp-info"]
        assert int(setup.headers["transport"].split("ssrc=")[1], 16) == int.from_bytes(packet[8:12], "big")
        assert (await client.ask("GET_PARAMETER")).code == 200
        assert (await client.ask("TEARDOWN")).code == 200
        await ends(client)


async def test_what_is_not_there_is_not_found(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        for url in ("/cam-2/main", "/cam-1/third", "/"):
            assert (await client.ask("DESCRIBE", f"rtsp://127.0.0.1:{farm.port}{url}")).code == 404
        assert (await client.ask("RECORD")).code == 405
        assert (await client.ask("PLAY")).code == 455
        await client.ask("DESCRIBE")
        assert (await client.ask("SETUP", f"{client.url}/trackID=2", Transport=TCP)).code == 404


async def test_udp_is_refused_and_tcp_then_taken(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.ask("DESCRIBE")
        assert (await client.ask("SETUP", f"{client.url}/trackID=1", Transport="RTP/AVP;unicast;client_port=5000-5001")).code == 461
        assert (await client.ask("SETUP", f"{client.url}/trackID=1", Transport=TCP)).code == 200


async def test_a_foreign_session_may_not_play(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.ask("DESCRIBE")
        await client.ask("SETUP", f"{client.url}/trackID=1", Transport=TCP)
        assert (await client.ask("PLAY", Session="beef")).code == 454


async def test_noise_ends_the_connection_and_nothing_else(connect: Connect) -> None:
    async with farm_of() as farm:
        other = await connect(farm.url("cam-1"))
        await other.play()
        client = await connect(farm.url("cam-1"))
        client.writer.write(b"\x16\x03\x01 no rtsp\r\n\r\n")
        assert (await client.answer()).code == 400
        await ends(client)
        assert await other.packet()


async def test_a_second_client_is_refused_where_one_is_the_limit(connect: Connect) -> None:
    async with farm_of(max_sessions=1) as farm:
        first, second = [await connect(farm.url("cam-1")) for _ in range(2)]
        await first.play()
        await second.ask("DESCRIBE")
        assert (await second.ask("SETUP", f"{second.url}/trackID=1", Transport=TCP)).code == 453
        await first.ask("TEARDOWN")
        assert (await second.ask("SETUP", f"{second.url}/trackID=1", Transport=TCP)).code == 200


async def test_a_camera_that_holds_sessions_counts_a_client_that_went_until_it_times_out(connect: Connect) -> None:
    async with farm_of(max_sessions=1, session_timeout=1) as farm:
        farm.camera("cam-1").set(hold="on")
        gone, client = [await connect(farm.url("cam-1")) for _ in range(2)]
        await gone.play()
        gone.writer.close()
        await soon(lambda: not farm.camera("cam-1").playing())
        await client.ask("DESCRIBE")
        assert (await client.ask("SETUP", f"{client.url}/trackID=1", Transport=TCP)).code == 453
        await soon(lambda: not farm.camera("cam-1").sessions)
        assert (await client.ask("SETUP", f"{client.url}/trackID=1", Transport=TCP)).code == 200


async def test_a_silent_client_is_left_and_one_with_keep_alive_is_not(connect: Connect) -> None:
    async with farm_of(session_timeout=1) as farm:
        silent, speaking = [await connect(farm.url("cam-1")) for _ in range(2)]
        await silent.play()
        await speaking.play()
        waiting = asyncio.ensure_future(ends(silent))
        while not waiting.done():
            assert (await speaking.ask("GET_PARAMETER")).code == 200
            await asyncio.sleep(0.1)
        assert len(farm.camera("cam-1").playing()) == 1


async def test_a_camera_with_a_password_says_how_to_knock(connect: Connect) -> None:
    async with farm_of(user="u", password="s3:/@") as farm:  # noqa: S106 - a camera on loopback
        assert farm.url("cam-1").startswith("rtsp://u:s3%3A%2F%40@127.0.0.1:")
        client = await connect(farm.url("cam-1", credentials=False))
        answer = await client.ask("DESCRIBE")
        assert (answer.code, answer.headers["www-authenticate"].split()[0]) == (401, "Digest")
        farm.camera("cam-1").set(reject="bare")
        assert "www-authenticate" not in (await client.ask("DESCRIBE")).headers


async def test_a_nonce_that_is_too_old_is_called_stale(connect: Connect) -> None:
    async with farm_of(user="u", password="s3", faults=Faults(nonce_life=0)) as farm:  # noqa: S106 - a camera on loopback
        url = farm.url("cam-1", credentials=False)
        client = await connect(url)
        challenge = (await client.ask("SET_PARAMETER")).headers["www-authenticate"]
        answer = await client.ask("SET_PARAMETER", Authorization=authorization(challenge, "u", "s3", url))
        assert (answer.code, answer.headers["www-authenticate"].endswith("stale=true")) == (401, True)
        farm.camera("cam-1").set(nonce_life="60")
        fresh = authorization(answer.headers["www-authenticate"], "u", "s3", url)
        assert (await client.ask("SET_PARAMETER", Authorization=fresh)).code == 200


async def test_playing_twice_changes_nothing(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        assert (await client.ask("PLAY")).code == 200
        assert len(farm.camera("cam-1").plays) == 1


async def test_moments_can_be_set_on_a_running_camera(connect: Connect) -> None:
    async with farm_of() as farm:
        camera = farm.camera("cam-1")
        client = await connect(farm.url("cam-1"))
        await client.play()
        camera.set(step="0,-60", freeze="0,0.3", change="0,still")
        await soon(lambda: camera.frozen)
        assert camera.faults.skew == -60
        await soon(lambda: not camera.frozen)
        await soon(lambda: any(run.reel == "320x180-still" for run in camera.plays[0].runs))


async def test_a_sender_report_comes_with_the_first_frame_and_ties_rtp_time_to_the_cameras_time(connect: Connect) -> None:
    async with farm_of() as farm:
        client, begun = await connect(farm.url("cam-1", skew=7.3)), time.time()
        await client.play()
        report = await client.packet(1)
        assert report[1] == 200
        seconds, parts, rtp = struct.unpack(">III", report[8:20])
        told = seconds - 2_208_988_800 + parts / 2**32
        assert begun - 0.1 < told - 7.3 < time.time() + 0.1
        packet = await client.packet()
        behind = (stamp(packet) - rtp + 2**31) % 2**32 - 2**31
        assert begun - 0.1 < told + behind / 90_000 - 7.3 < time.time() + 0.1


async def test_a_new_clock_offset_is_told_at_once(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        await client.packet(1)
        farm.camera("cam-1").set_clock_offset(-3600)
        seconds = int.from_bytes((await client.packet(1))[8:12], "big") - 2_208_988_800
        assert seconds == pytest.approx(time.time() - 3600, abs=2)


async def test_two_clients_see_the_same_frames_of_one_camera(connect: Connect) -> None:
    async with farm_of() as farm:
        clients = [await connect(farm.url("cam-1")) for _ in range(2)]
        for client in clients:
            await client.play()
        camera = farm.camera("cam-1")
        await soon(lambda: all(play.frames > 3 for play in camera.plays) and len(camera.plays) == 2)
        first, second = (play.runs[0] for play in camera.plays)
        assert first.first % 5 == second.first % 5 == 0
        assert first.next == second.next


async def test_a_refusing_camera_turns_new_clients_away_and_keeps_the_old(connect: Connect) -> None:
    async with farm_of() as farm:
        old, new = [await connect(farm.url("cam-1")) for _ in range(2)]
        await old.play()
        farm.camera("cam-1").refuse()
        answer = await new.ask("DESCRIBE")
        assert (answer.code, answer.headers["retry-after"]) == (503, "5")
        assert await old.packet()
        farm.camera("cam-1").refuse(how="reset")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await new.ask("DESCRIBE")


async def test_a_farm_without_power_refuses_connections_and_comes_back_on_its_port(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        await farm.refuse_connections()
        await ends(client)
        with pytest.raises(ConnectionRefusedError):
            await connect(farm.url("cam-1"))
        await farm.listen()
        assert (await (await connect(farm.url("cam-1"))).ask("DESCRIBE")).code == 200


async def test_a_cut_comes_mid_packet_and_the_play_says_when(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        await client.packet()
        farm.camera("cam-1").cut(down=0.2)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await drain(client)
        (play,) = farm.camera("cam-1").plays
        assert play.ended == pytest.approx(time.time(), abs=1)
        again = await connect(farm.url("cam-1"))
        assert (await again.ask("DESCRIBE")).code == 503
        await soon(lambda: farm.camera("cam-1").faults.refuse == "no")
        assert (await again.ask("DESCRIBE")).code == 200


async def test_a_stalled_camera_answers_but_sends_nothing_and_goes_on_with_a_key_frame(connect: Connect) -> None:
    async with farm_of() as farm:
        camera = farm.camera("cam-1")
        client = await connect(farm.url("cam-1"))
        await client.play()
        await client.packet()
        camera.stall()
        sent = camera.plays[0].frames
        for _ in range(30):
            assert (await client.ask("GET_PARAMETER")).code == 200
            await asyncio.sleep(0.01)
        assert camera.plays[0].frames == sent
        camera.stall(False)
        await soon(lambda: len(camera.plays[0].runs) == 2)
        assert camera.plays[0].runs[1].first % 5 == 0


async def test_a_vanished_camera_says_nothing_at_all(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        farm.camera("cam-1").vanish()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ask("GET_PARAMETER"), 0.3)


async def test_garbage_is_no_framing(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        await client.packet()
        farm.camera("cam-1").send_garbage()
        with pytest.raises(AssertionError, match="no framing"):
            await drain(client)


async def test_a_time_stamp_jump_moves_the_next_frame_by_as_much(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1"))
        await client.play()
        before = stamp(await client.packet())
        farm.camera("cam-1").jump_timestamp(-10)
        while (after := stamp(await client.packet())) - before in range(20 * 9000):
            before = after
        assert (after - before + 2**31) % 2**32 - 2**31 == 9000 - 900_000


async def test_wrapping_numbers_go_on_from_zero(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1", wrap=1))
        await client.play()
        packets = [await client.packet()]
        while stamp(packets[-1]) > 2**31:
            packets.append(await client.packet())
        assert 0 <= 2**32 - stamp(packets[0]) < 2 * 90_000
        assert stamp(packets[-1]) - stamp(packets[-2]) + 2**32 == 9000


async def test_a_moment_in_a_url_happens_to_that_client_once_per_camera(connect: Connect) -> None:
    async with farm_of() as farm:
        url = farm.url("cam-1", cut="0.3")
        other, first = await connect(farm.url("cam-1")), await connect(url)
        await other.play()
        await first.play()
        await ends(first)
        again = await connect(url)
        await again.play()
        begun = farm.camera("cam-1").plays[-1]
        await soon(lambda: begun.frames > 8)
        assert [play.ended is None for play in farm.camera("cam-1").plays] == [True, False, True]


async def test_a_stall_with_an_end_ends(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1", stall="0.6,0.6"))
        await client.play()
        play = farm.camera("cam-1").plays[0]
        await soon(lambda: len(play.runs) == 2)
        assert play.runs[1].first - play.runs[0].next >= 4


async def test_a_drifting_cameras_frames_come_faster_under_the_same_stamps(connect: Connect) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1", drift=1.0))
        await client.play()
        first, begun = stamp(await client.packet()), time.monotonic()
        while stamp(packet := await client.packet()) - first < 90_000:
            pass
        assert (stamp(packet) - first) / 180_000 - 0.1 < time.monotonic() - begun < (stamp(packet) - first) / 90_000


async def test_a_repeated_frame_keeps_its_bytes(connect: Connect) -> None:
    async with farm_of() as farm:
        camera = farm.camera("cam-1")
        client = await connect(farm.url("cam-1"))
        await client.play()
        await client.packet()
        camera.repeat_frame()
        play = camera.plays[0]
        await soon(lambda: play.runs[-1].reel == "frozen" and play.runs[-1].next - play.runs[-1].first > 5)
        camera.repeat_frame(False)
        await soon(lambda: play.runs[-1].reel == "320x180")
        assert play.runs[-1].first == play.runs[-2].next


async def test_another_size_comes_with_the_next_key_frame(connect: Connect) -> None:
    async with farm_of() as farm:
        camera = farm.camera("cam-1")
        client = await connect(farm.url("cam-1"))
        before = (await client.ask("DESCRIBE")).body
        await client.play()
        await camera.change("main", TINY.sized(160, 90))
        play = camera.plays[0]
        await soon(lambda: bool(play.runs) and play.runs[-1].reel == "160x90")
        assert play.runs[-1].first % 5 == 0
        assert (await (await connect(client.url)).ask("DESCRIBE")).body != before
        await camera.change("main", None)
        await soon(lambda: play.runs[-1].reel == "320x180")


@pytest.mark.parametrize(("fault", "header"), [("content_base", "content-base"), ("content_type", "content-type"), ("rtp_info", "rtp-info")])
async def test_a_missing_header_is_missing(connect: Connect, fault: str, header: str) -> None:
    async with farm_of() as farm:
        client = await connect(farm.url("cam-1") + f"?{fault}=missing")
        described = await client.ask("DESCRIBE")
        assert header not in described.headers
        assert described.body
        assert header not in (await client.play()).headers


async def test_the_sdp_can_lie_and_be_silent(connect: Connect) -> None:
    async with farm_of() as farm:
        body = (await (await connect(farm.url("cam-1", sdp_sets="off", announced_fps=25))).ask("DESCRIBE")).body
        assert "a=framerate:25" in body
        assert "sprop" not in body


async def test_a_slow_description_comes_late_and_holds_nobody_else_up(connect: Connect) -> None:
    async with farm_of() as farm:
        late, slow, quick = [await connect(farm.url("cam-1", **faults)) for faults in ({"describe_delay": 60}, {"describe_delay": 0.4}, {})]
        begun = time.monotonic()
        waiting = asyncio.ensure_future(late.ask("DESCRIBE"))
        assert (await slow.ask("DESCRIBE")).code == 200
        assert time.monotonic() - begun > 0.35
        await quick.ask("DESCRIBE")
        assert not waiting.done()
        waiting.cancel()


async def test_another_process_can_tell_a_running_camera_what_to_do_wrong(connect: Connect) -> None:
    async with farm_of(user="u", password="s3") as farm:  # noqa: S106 - a camera on loopback
        camera = farm.camera("cam-1")
        await tell(farm.url("cam-1"), skew=7.3, stall="0")
        await soon(lambda: camera.stalled)
        assert camera.faults.skew == 7.3
        await tell(farm.url("cam-1"), stall="off", mute="on", reject="challenge")
        await tell(farm.url("cam-1"), mute="off", reject="no")
        assert (camera.stalled, camera.faults.mute) == (False, False)
        with pytest.raises(UnknownFaultError):
            await tell(farm.url("cam-1"), sekw=1)
        with pytest.raises(ConnectionError, match="401"):
            await tell(farm.url("cam-1").replace("u:s3", "u:no"), skew=1)
        client = await connect(farm.url("cam-1", credentials=False, sekw=1))
        assert (await client.ask("DESCRIBE")).code == 400
