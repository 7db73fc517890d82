"""Damage on the way, in TCP framing: packets left out, swapped, or with a wrong byte."""

import random

from vonglau.testing.cameras.faults import Faults
from vonglau.testing.cameras.packets import HEADER, split_framing


def mangle(data: memoryview, faults: Faults, chance: random.Random) -> bytes:
    packets = [damaged(p, faults.damage, chance) for p in split_framing(data) if not hit(faults.loss, chance)]
    for i in range(len(packets) - 1):
        if hit(faults.swap, chance):
            packets[i], packets[i + 1] = packets[i + 1], packets[i]
    return b"".join(packets)


def hit(per_cent: float, chance: random.Random) -> bool:
    return per_cent > 0 and chance.random() * 100 < per_cent


def damaged(packet: bytes, per_cent: float, chance: random.Random) -> bytes:
    if len(packet) <= HEADER + 8 or not hit(per_cent, chance):
        return packet
    at = chance.randrange(HEADER + 8, len(packet))
    return packet[:at] + bytes([packet[at] ^ 0xFF]) + packet[at + 1 :]
