import random
from pathlib import Path

import pytest

import vonglau.testing.cameras
from vonglau.testing.cameras.faults import NAMES, Faults, Moment, UnknownFaultError
from vonglau.testing.cameras.mangling import mangle
from vonglau.testing.cameras.packets import build, split_framing


def test_settings_are_read_from_their_texts() -> None:
    told = Faults().told({"skew": "7.3", "mute": "on", "rtcp": "0", "refuse": "reset", "stall": "15,5", "cut": "3"})
    assert told == Faults(skew=7.3, mute=True, rtcp=False, refuse="reset", stall=Moment(15, "5"), cut=Moment(3))


@pytest.mark.parametrize(
    "setting",
    [{"sekw": "1"}, {"skew": "much"}, {"mute": "perhaps"}, {"refuse": "404"}, {"stall": "now"}, {"cut": "1,long"}, {"change": "5"}, {"change": "5,big"}],
    ids=str,
)
def test_what_is_no_fault_or_no_value_of_it_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(UnknownFaultError):
        Faults().told(setting)


def test_a_refusal_names_the_faults_that_there_are() -> None:
    with pytest.raises(UnknownFaultError, match="describe_delay"):
        Faults().told({"sekw": "1"})


def test_every_fault_stands_in_the_readme() -> None:
    readme = Path(vonglau.testing.cameras.__file__).with_name("README.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in readme] == []


PACKETS = build([[f"packet {n:04d}, and some more".encode()] for n in range(2000)], 96).data.data


@pytest.mark.parametrize(("fault", "share"), [("loss", 1.0), ("damage", 5.0)])
def test_loss_and_damage_hit_about_their_share_of_packets(fault: str, share: float) -> None:
    before = split_framing(PACKETS)
    after = split_framing(mangle(PACKETS, Faults().told({fault: str(share)}), random.Random(1)))
    hit = len(set(before) - set(after))
    assert 0.5 * share <= 100 * hit / len(before) <= 1.5 * share


def test_swapping_loses_nothing() -> None:
    after = split_framing(mangle(PACKETS, Faults(swap=5.0), random.Random(1)))
    assert after != split_framing(PACKETS)
    assert sorted(after) == split_framing(PACKETS)


def test_damage_leaves_the_framing_alone() -> None:
    after = split_framing(mangle(PACKETS, Faults(damage=100.0), random.Random(1)))
    assert [p[:16] for p in after] == [p[:16] for p in split_framing(PACKETS)]
