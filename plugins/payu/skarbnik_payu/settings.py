"""What the office copies from the PayU panel, for one point of payment (punkt płatności, POS)."""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

# Plain http is for the simulator on the same machine only: keys and tokens travel in these requests.
ADDRESS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?|http://(127\.0\.0\.1|localhost)(:\d{1,5})?"


@dataclass(frozen=True)
class PayuSettings:
    """One POS. A gmina with several bank accounts has several, each with its own keys."""

    pos_id: str = setting("Numer punktu płatności (pos_id)", pattern=r"[0-9]{1,20}")
    client_id: str = setting("Protokół OAuth: client_id", pattern=r"[0-9]{1,20}", help="Zwykle ten sam co pos_id.")
    client_secret: str = secret("Protokół OAuth: client_secret", pattern=r"[!-~]{8,128}")
    second_key: str = secret("Drugi klucz (MD5)", pattern=r"[!-~]{8,128}", help="Nim PayU podpisuje powiadomienia.")
    base_url: str = setting(
        "Adres PayU",
        default="https://secure.payu.com",
        pattern=ADDRESS,
        help="Do prób: https://secure.snd.payu.com",
    )
