"""What the office copies from the Przelewy24 panel, for one point of sale (punkt sprzedaży, POS)."""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

# Plain http is for the simulator on the same machine only: the key travels in these requests.
ADDRESS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?|http://(127\.0\.0\.1|localhost)(:\d{1,5})?"


@dataclass(frozen=True)
class Przelewy24Settings:
    """One point of sale. A gmina with several bank accounts has several, each with its own keys."""

    merchant_id: str = setting("Identyfikator sprzedawcy (merchantId)", pattern=r"[1-9][0-9]{0,9}")
    pos_id: str = setting(
        "Identyfikator punktu sprzedaży (posId)", pattern=r"[1-9][0-9]{0,9}", help="Zwykle ten sam co merchantId."
    )
    api_key: str = secret("Klucz do raportów (API)", pattern=r"[!-~]{8,128}", help="Nim Skarbnik się przedstawia.")
    crc: str = secret("Klucz CRC", pattern=r"[!-~]{8,128}", help="Nim podpisywane są płatności i powiadomienia.")
    email: str = setting(
        "Adres e-mail urzędu",
        pattern=r"(?=.{3,50}$)[^@\s]+@[^@\s]+",
        help="Podawany Przelewy24, gdy płacący nie ma adresu albo ma dłuższy niż 50 znaków.",
    )
    base_url: str = setting(
        "Adres Przelewy24",
        default="https://secure.przelewy24.pl",
        pattern=ADDRESS,
        help="Do prób: https://sandbox.przelewy24.pl",
    )
    channel: int = setting(
        "Sposoby płatności (channel)",
        default=0,
        pattern=r"[0-9]{1,5}",
        help="Suma liczb z dokumentacji: 1 karta, 2 przelew, 16 tylko całodobowe, 8192 BLIK… Zero nie zawęża wyboru.",
    )
