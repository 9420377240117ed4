"""What an office sets before files of PUMA are read."""

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

# Plain http is for a system on the same machine only: the token travels in each request.
_PATH = r"(:\d{1,5})?(/[A-Za-z0-9._~-]+)*"
ADDRESS = rf"https://[A-Za-z0-9.-]+{_PATH}|http://(127\.0\.0\.1|localhost){_PATH}"


@dataclass(frozen=True)
class PumaSettings:
    """Without an address files come through the folder."""

    tenant_code: str = setting(
        "Kod gminy w PUMA",
        help="Tak program PUMA nazywa gminę w swoich plikach (atrybut „tenant”). Plik z innym kodem jest odrzucany.",
        pattern=r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,31}",
    )
    address: str = setting(
        "Adres wymiany przez HTTP",
        default="",
        pattern=ADDRESS,
        help="Na przykład https://puma.gmina.pl/wymiana. Puste: pliki leżą w folderze.",
    )
    token: str = secret(
        "Klucz dostępu (token) do tego adresu",
        default="",
        pattern=r"[A-Za-z0-9._~+/-]{16,256}=*",
        help="Nadaje go dostawca programu PUMA, osobny dla każdej gminy.",
    )
