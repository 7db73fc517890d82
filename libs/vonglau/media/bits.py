from vonglau.media.errors import DamagedMedia


class BitReader:
    """Big-endian bit fields and Exp-Golomb codes (ITU-T H.264 §9.1) of one NAL unit's payload; raises `DamagedMedia` past its end."""

    __slots__ = ("_bits", "_left")

    def __init__(self, payload: bytes) -> None:
        raw = payload.replace(b"\0\0\3", b"\0\0")           # emulation prevention, H.264 §7.4.1
        self._bits = int.from_bytes(raw, "big")
        self._left = len(raw) * 8

    def bits(self, count: int) -> int:
        if count > self._left:
            raise DamagedMedia("the bit field ends early")
        self._left -= count
        return self._bits >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        return self.bits(1) == 1

    def unsigned(self) -> int:
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise DamagedMedia("an Exp-Golomb code is longer than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def skip_unsigned(self, count: int) -> None:
        for _ in range(count):
            self.unsigned()
