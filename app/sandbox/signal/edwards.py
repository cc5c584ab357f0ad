"""Edwards-curve arithmetic for XEdDSA, in plain integers.

`cryptography` signs with Ed25519 seeds only, and a Signal identity is a Curve25519 private key: the
scalar multiplication it needs is here. It is not constant-time, which is fine for a test network
and would not be for anything that guards real keys. Curve constants: RFC 8032, section 5.1.
"""

from functools import cache
from typing import TypeAlias

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_BASE_Y = 4 * pow(5, -1, P) % P

Point: TypeAlias = tuple[int, int, int, int]
_IDENTITY: Point = (0, 1, 1, 0)


def _recover_x(y: int) -> int:
    """Returns the even x of the curve point with this y."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x & 1 else x


def _add(a: Point, b: Point) -> Point:
    """Adds two points in extended coordinates (x, y, z, xy/z)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    low = (y1 - x1) * (y2 - x2) % P
    high = (y1 + x1) * (y2 + x2) % P
    c = 2 * t1 * t2 * _D % P
    d = 2 * z1 * z2 % P
    e, f, g, h = high - low, d - c, d + c, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


@cache
def _base_table() -> tuple[tuple[Point, ...], ...]:
    """Returns the 16 multiples of 16**i times the base point, for each hex digit i of a scalar."""
    x = _recover_x(_BASE_Y)
    step: Point = (x, _BASE_Y, 1, x * _BASE_Y % P)
    table = []
    for _ in range(64):
        row = [_IDENTITY]
        for _ in range(16):
            row.append(_add(row[-1], step))
        step = row.pop()
        table.append(tuple(row))
    return tuple(table)


def multiply_base(scalar: int) -> bytes:
    """Returns the 32-byte encoding of scalar times the base point."""
    point = _IDENTITY
    for row in _base_table():
        digit = scalar & 15
        if digit:
            point = _add(point, row[digit])
        scalar >>= 4
    return _encode(point)


def _encode(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def montgomery_to_edwards(public: bytes, sign_bit: int) -> bytes:
    """Returns the Ed25519 form of a Curve25519 public key; `sign_bit` is 0 or 1."""
    u = int.from_bytes(public, "little") & (2**255 - 1)
    y = (u - 1) * pow(u + 1, -1, P) % P
    return (y | sign_bit << 255).to_bytes(32, "little")
