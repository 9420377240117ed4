"""Codes of a second factor, whoever has it: by time from an app (TOTP, RFC 6238), and recovery codes on paper.

What is kept of them stands where their owners do: users of a gmina in `factors`, operators in `operator.factor`.
"""

from __future__ import annotations

import hmac
import re
import secrets

import pyotp
import segno
from markupsafe import Markup

from skarbnik import clock

STEP = 30  # seconds a code of an app is shown
WINDOW = 1  # steps a clock may be wrong, either way
CODES = 10  # recovery codes of a set
FEW_CODES = 3
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # no 0 and 1, which look like O and I


def new_app_key() -> str:
    """A key for an authenticator app: 160 bits in Base32, as it is typed."""
    return pyotp.random_base32()


def address_of_key(key: str, *, name: str, issuer: str) -> str:
    """What an authenticator app reads: the key, whose it is and where it signs in (`otpauth:`)."""
    return pyotp.TOTP(key).provisioning_uri(name=name, issuer_name=issuer)


def draw_address(address: str) -> Markup:
    """The address as a QR code to put into a page: SVG of no size of its own, dark on light in every theme.

    Cameras read no other.
    """
    drawn = segno.make_qr(address, error="m").svg_inline(border=4, omitsize=True, light="#fff", dark="#000")
    return Markup(drawn)  # noqa: S704  # black and white squares of a library


def code_at(key: str, moment: float) -> str:
    """The six digits an app with this key shows at a moment (seconds of the epoch)."""
    return pyotp.TOTP(key).at(int(moment))


def steps_of(key: str, code: str) -> list[int]:
    """The steps around now that have this code, the earliest first. All are looked at, so that time tells nothing."""
    totp, now = pyotp.TOTP(key), int(clock.now().timestamp()) // STEP
    around = range(now - WINDOW, now + WINDOW + 1)
    return [step for step in around if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())]


def new_recovery_codes() -> list[str]:
    """A set of codes of 80 bits each: too much for a slow hash to matter."""
    return ["".join(secrets.choice(LETTERS) for _ in range(16)) for _ in range(CODES)]


def in_fours(code: str) -> str:
    """`ABCD-EFGH-IJKL-MNOP`, as it is shown."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def are_few(left: int) -> bool:
    """Whether somebody with so many recovery codes should get new ones."""
    return left <= FEW_CODES


def read_code(given: str) -> str:
    """What somebody typed, in whichever form it was shown."""
    return re.sub(r"[^0-9A-Z]", "", given.upper())
