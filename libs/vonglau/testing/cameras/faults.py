"""Everything that a simulated camera can do wrong, as one set of settings.

The same names hold in the constructor, in a URL's query (for that connection), and in the body of an RTSP SET_PARAMETER (for the camera).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_type_hints


class UnknownFaultError(ValueError):
    """No such fault, or a value that it can't take."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A fault that happens once: `after` seconds from PLAY (URL, constructor) or from now (SET_PARAMETER). Written `after` or `after,amount`."""

    after: float
    amount: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        after, _, amount = text.partition(",")
        return cls(float(after), amount.strip())

    def number(self, otherwise: float) -> float:
        return float(self.amount) if self.amount else otherwise


@dataclass(frozen=True, slots=True)
class Faults:
    """Steady faults first, then those of a moment. The defaults are a camera that does everything right."""

    # connection
    refuse: Literal["no", "503", "reset"] = "no"  # how new DESCRIBE and SETUP are turned away
    mute: bool = False  # never answers a request, never closes
    describe_delay: float = 0.0  # seconds before DESCRIBE is answered
    reject: Literal["no", "challenge", "bare"] = "no"  # 401 for ever, with or without a challenge
    nonce_life: float = 3600.0  # seconds until a digest nonce is stale
    hold: bool = False  # a session whose connection went counts until it times out
    content_base: Literal["right", "wrong", "missing"] = "right"
    content_type: Literal["right", "missing"] = "right"
    rtp_info: Literal["right", "wrong", "missing"] = "right"
    ssrc: Literal["right", "wrong"] = "right"  # the SSRC announced in Transport
    rtcp: bool = True
    # timing
    skew: float = 0.0  # seconds that the camera's time of day is ahead
    drift: float = 0.0  # share by which the camera's clock is too fast: 0.02 is two per cent
    wrap: float = -1.0  # seconds after PLAY at which RTP time and, soon after, sequence numbers wrap; negative: random bases
    announced_fps: float = 0.0  # frame rate told in the SDP; 0 is the true one
    start: Literal["key", "now"] = "key"  # the first frame sent after PLAY
    # stream
    sdp_sets: bool = True  # parameter sets in the SDP
    in_band: bool = True  # parameter sets before each key frame
    aggregate: bool = False  # parameter sets in one STAP-A or AP
    fu_end: bool = True  # end bit of fragmented units
    extras: bool = False  # CSRC, header extension and padding in each packet
    empty_units: bool = False  # an RTP packet without payload before each key frame
    # loss
    loss: float = 0.0  # per cent of packets left out
    swap: float = 0.0  # per cent of packets changed with their neighbour
    damage: float = 0.0  # per cent of packets with one wrong byte in the payload
    # moments
    cut: Moment | None = None  # reset mid-frame; amount: seconds of refusal afterwards (0)
    stall: Moment | None = None  # nothing is sent, TCP stays open; amount: seconds (for ever)
    freeze: Moment | None = None  # one frame again and again; amount: seconds (for ever)
    jump: Moment | None = None  # RTP time stamps; amount: seconds, may be negative (-10)
    step: Moment | None = None  # the camera's time of day; amount: seconds (3600)
    garbage: Moment | None = None  # bytes that are no framing; amount: how many (500)
    change: Moment | None = None  # at the next key frame; amount: `320x180`, `still` or `back`

    def told(self, settings: Mapping[str, str]) -> Self:
        """These faults with some changed, from their texts. Raises UnknownFaultError."""
        return replace(self, **{name: read(name, text) for name, text in settings.items()})


MOMENTS = ("cut", "stall", "freeze", "jump", "step", "garbage", "change")
CHANGE = re.compile(r"still|back|\d{2,4}x\d{2,4}")
HINTS: dict[str, Any] = get_type_hints(Faults)
NAMES = tuple(field.name for field in fields(Faults))


def read(name: str, text: str) -> Any:
    """A setting from its text: `on`/`off`/`1`/`0`, a number, a word, or a moment. Raises UnknownFaultError."""
    if name not in HINTS:
        raise UnknownFaultError(f"no fault is called {name!r}; there are {', '.join(NAMES)}")
    try:
        value = read_as(HINTS[name], text.strip())
        if isinstance(value, Moment):
            check_amount(name, value)
    except (ValueError, KeyError):
        raise UnknownFaultError(f"{name} can't be {text!r}") from None
    return value


def read_as(hint: Any, text: str) -> Any:
    if hint is bool:
        return {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}[text.lower()]
    if hint is float:
        return float(text)
    if hint == Moment | None:
        return None if text in {"", "off"} else Moment.parse(text)
    if text not in hint.__args__:
        raise ValueError(text)
    return text


def check_amount(name: str, moment: Moment) -> None:
    if name == "change" and not CHANGE.fullmatch(moment.amount):
        raise ValueError(moment.amount)
    if name != "change":
        moment.number(0.0)
