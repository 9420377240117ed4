"""What the office copies from the PayU panel, for one point of payment (punkt płatności, POS)."""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

# Plain http is for the simulator on the same machine only: keys and tokens travel in these requests.
ADDRESS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?|http://(127\.0\.0\.1|localhost)(:\d{1,5})?"
COLUMN = r"[^;,\t\"\r\n]{1,60}"


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
    column_at: str = setting("Wyciąg, kolumna z chwilą operacji", default="Data", pattern=COLUMN)
    column_kind: str = setting("Wyciąg, kolumna z rodzajem operacji", default="Typ", pattern=COLUMN)
    column_number: str = setting("Wyciąg, kolumna z numerem operacji", default="Id operacji", pattern=COLUMN)
    column_order: str = setting(
        "Wyciąg, kolumna z numerem zamówienia PayU",
        default="Id zamówienia",
        pattern=COLUMN,
        help="Tym numerem (orderId) operacja wiąże się z wpłatą w Skarbniku.",
    )
    column_amount: str = setting("Wyciąg, kolumna z kwotą", default="Kwota", pattern=COLUMN)
    column_fee: str = setting("Wyciąg, kolumna z prowizją", default="Prowizja", pattern=COLUMN)
    column_currency: str = setting("Wyciąg, kolumna z walutą", default="Waluta", pattern=COLUMN)
    column_payout: str = setting("Wyciąg, kolumna z numerem wypłaty", default="Id wypłaty", pattern=COLUMN)
    column_account: str = setting("Wyciąg, kolumna z numerem punktu płatności", default="Id POS", pattern=COLUMN)

    @property
    def statement_columns(self) -> dict[str, str]:
        """What the columns of a statement are called in its first line."""
        names = ("at", "kind", "number", "order", "amount", "fee", "currency", "payout", "account")
        return {name: getattr(self, f"column_{name}") for name in names}
