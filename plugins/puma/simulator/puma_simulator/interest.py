"""Interest of what is overdue, simply: one rate for each law, as it stands in November 2026."""

from __future__ import annotations

from datetime import date

RATES = {"tax": 1050, "civil": 925}  # hundredths of a percent a year
NOT_WORTH_CHARGING = 870  # art. 54 Ordynacji podatkowej: up to 8,70 zł


def accrued(regime: str, principal: int, since: date, until: date) -> int:
    """Interest in grosze from the day after `since` to `until`."""
    rate = RATES.get(regime)
    days = (until - since).days
    if rate is None or principal <= 0 or days <= 0:
        return 0
    exact = principal * rate * days
    year = 365 * 10_000
    if regime == "civil":
        return (exact * 2 + year) // (2 * year)
    if exact <= NOT_WORTH_CHARGING * year:
        return 0
    return (exact + 50 * year) // (100 * year) * 100  # art. 63: whole zlotys
