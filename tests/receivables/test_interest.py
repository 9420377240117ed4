"""Interest to the grosz and to the day: worked examples, and what must hold for every amount and every day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.money import ZERO, Money
from skarbnik.plugin_api import Regime
from skarbnik.receivables.interest import DatedTable, NoRate, Variant, accrued, tax_interest
from skarbnik.receivables.rules import SHIPPED, make_rules

RULES = make_rules()
days = st.dates(date(2009, 1, 1), date(2030, 12, 31))
amounts = st.integers(1, 10**10).map(Money)


def zloty(text):
    return Money.parse(text)


# Principal, due, paid, interest. Those that are not from a source named here were computed by hand: the days of each
# rate and their product stand beside them.
TAX = [
    # 69 days at 10.5 %: 1000 x 69 x 0.105 / 365 = 19.849
    ("1000.00", "2026-09-15", "2026-11-23", "20.00"),
    # the day it is due and the day after: 0 and 1 day
    ("100000.00", "2026-09-15", "2026-09-15", "0.00"),
    ("100000.00", "2026-09-15", "2026-09-16", "29.00"),  # 28.77
    # the 15th of November 2026 is a Sunday: due on Monday the 16th, interest from Tuesday
    ("100000.00", "2026-11-15", "2026-11-16", "0.00"),
    ("100000.00", "2026-11-15", "2026-11-17", "29.00"),
    # All Saints on a Saturday, then a Sunday: from the 31st of October nothing moves, from the 1st to Monday the 3rd
    ("100000.00", "2025-11-01", "2025-11-04", "33.00"),  # one day at 12 %: 32.88
    # two rates: 15.05.2025 to 02.07. is 48 days at 13.5, 03.07. to 03.09. 63 at 13, 04.09. to 15.09. 12 at 12.5
    # 1000 x (48 x 13.5 + 63 x 13 + 12 x 12.5) / 36500 = 44.30
    ("1000.00", "2025-05-15", "2025-09-15", "44.00"),
]


def test_a_thousand_zloty_ten_weeks_late_cost_twenty():
    """The example of the fact sheet: due 15 September 2026, paid 23 November."""
    assert RULES.interest(Regime.TAX, zloty("1000.00"), due_on=date(2026, 9, 15), paid_on=date(2026, 11, 23)) == zloty(
        "20.00"
    )


@pytest.mark.parametrize(("principal", "due", "paid", "expected"), TAX)
def test_tax_interest_of_worked_examples(principal, due, paid, expected):
    found = RULES.interest(
        Regime.TAX, zloty(principal), due_on=date.fromisoformat(due), paid_on=date.fromisoformat(paid)
    )
    assert str(found) == expected


def test_the_29th_of_february_counts_and_the_year_has_365_days_all_the_same():
    first, last = date(2016, 1, 16), date(2017, 1, 15)  # 366 days at 8 %: 80.22
    assert tax_interest(zloty("1000.00"), RULES.tax, zloty("8.70"), first=first, last=last) == zloty("80.00")


CIVIL = [
    # 9.25 % from 2026-03-05: 69 days of 1000 zł are 17.486
    ("1000.00", "2026-09-15", "2026-11-23", "17.49"),
    # 10.75 from 08.05. to 02.07.2025, 10.5 to 03.09., 10.25 to 08.10.: 15.05. to 15.09. is 48, 63 and 12 days
    # 1000 x (48 x 10.75 + 63 x 10.5 + 12 x 10.25) / 36500 = 35.63
    ("1000.00", "2025-05-15", "2025-09-15", "35.63"),
    ("0.01", "2025-05-15", "2026-05-15", "0.00"),
    # 5.6 % for 365 days
    ("200.00", "2020-09-30", "2021-09-30", "11.20"),
]


@pytest.mark.parametrize(("principal", "due", "paid", "expected"), CIVIL)
def test_civil_interest_of_worked_examples(principal, due, paid, expected):
    found = RULES.interest(
        Regime.CIVIL, zloty(principal), due_on=date.fromisoformat(due), paid_on=date.fromisoformat(paid)
    )
    assert str(found) == expected


def test_nothing_is_charged_up_to_the_threshold_and_everything_above_it():
    """Art. 54 § 1 pkt 5: 8.70 zł is not charged, 8.71 is, and is rounded to 9. The test comes before rounding."""
    one_day = make_rules({("tax_rate", date(2026, 9, 1)): 36500, ("tax_threshold", date(2025, 3, 1)): 870})
    due, paid = date(2026, 9, 15), date(2026, 9, 16)  # at 365 % a year one day is one hundredth of the principal

    assert one_day.interest(Regime.TAX, zloty("870.00"), due_on=due, paid_on=paid) == ZERO
    assert one_day.interest(Regime.TAX, zloty("870.01"), due_on=due, paid_on=paid) == zloty("9.00")
    assert one_day.interest(Regime.TAX, zloty("949.99"), due_on=due, paid_on=paid) == zloty("9.00")
    assert one_day.interest(Regime.TAX, zloty("950.00"), due_on=due, paid_on=paid) == zloty("10.00")


def test_rates_of_other_kinds_are_shares_of_the_basic_one():
    due, paid = date(2026, 9, 15), date(2026, 11, 23)
    found = {
        variant: str(RULES.interest(Regime.TAX, zloty("10000.00"), due_on=due, paid_on=paid, variant=variant))
        for variant in Variant
    }
    assert found == {  # of 198.49
        Variant.BASIC: "198.00",
        Variant.REDUCED: "99.00",
        Variant.RAISED: "298.00",
        Variant.PROLONGATION: "99.00",
    }


def test_the_prolongation_fee_has_no_threshold():
    due, paid = date(2026, 9, 15), date(2026, 9, 25)
    fee = RULES.interest(Regime.TAX, zloty("1000.00"), due_on=due, paid_on=paid, variant=Variant.PROLONGATION)
    assert fee == zloty("1.00")
    assert RULES.interest(Regime.TAX, zloty("1000.00"), due_on=due, paid_on=paid) == ZERO


def test_what_bears_no_interest_bears_none():
    for regime, principal in ((Regime.NONE, "1000.00"), (Regime.TAX, "0.00"), (Regime.CIVIL, "0.00")):
        assert RULES.interest(regime, zloty(principal), due_on=date(2020, 1, 15), paid_on=date(2026, 1, 15)) == ZERO


def test_a_day_before_the_table_is_an_error_and_not_a_guess():
    with pytest.raises(NoRate):
        RULES.interest(Regime.TAX, zloty("1.00"), due_on=date(1999, 1, 15), paid_on=date(2026, 1, 15))


def test_a_holiday_of_a_new_law_moves_what_is_due():
    ours = make_rules({("free_day", date(2026, 9, 15)): 1})
    assert ours.first_day(date(2026, 9, 15)) == date(2026, 9, 17)
    assert RULES.first_day(date(2026, 9, 15)) == date(2026, 9, 16)


def test_a_rate_the_office_added_holds_from_its_day():
    ours = make_rules({("tax_rate", date(2026, 10, 1)): 2100})
    assert ours.tax.periods(date(2026, 9, 30), date(2026, 10, 2)) == [
        (date(2026, 9, 30), date(2026, 9, 30), 1050),
        (date(2026, 10, 1), date(2026, 10, 2), 2100),
    ]


@pytest.mark.parametrize(
    ("due", "moved"),
    [
        ("2026-05-15", "2026-05-15"),  # a Friday
        ("2026-03-15", "2026-03-16"),  # a Sunday
        ("2025-11-15", "2025-11-17"),  # a Saturday
        ("2025-12-24", "2025-12-29"),  # Christmas Eve, free since 2025, two holidays and a weekend
        ("2024-12-24", "2024-12-24"),  # and not before
        ("2018-11-11", "2018-11-13"),  # a Sunday, and the one holiday on the 12th
        ("2026-04-04", "2026-04-07"),  # Saturday before Easter
        ("2026-06-04", "2026-06-05"),  # Corpus Christi
    ],
)
def test_saturdays_and_holidays_move_a_due_date_to_the_next_working_day(due, moved):
    assert RULES.workdays.move(date.fromisoformat(due)) == date.fromisoformat(moved)


@given(amounts, days, days, days)
def test_interest_of_a_period_is_that_of_its_parts(principal, one, two, three):
    first, middle, last = sorted((one, two, three))
    whole, below = accrued(principal, RULES.tax, first=first, last=last)
    before, _ = accrued(principal, RULES.tax, first=first, last=middle)
    after, _ = accrued(principal, RULES.tax, first=middle + timedelta(days=1), last=last)
    assert before + after == whole
    by_day = sum((until - begin).days * rate + rate for begin, until, rate in RULES.tax.periods(first, last))
    assert whole == principal.grosze * by_day * 100
    assert below == 365 * 100 * 100 * 100


@given(amounts, amounts, days, days)
def test_interest_of_two_debts_together_is_that_of_both_before_rounding(one, other, first, last):
    def of(principal):
        return accrued(principal, RULES.civil, first=first, last=last)[0]

    assert of(one) + of(other) == of(one + other)


@given(amounts, days, st.integers(0, 3000), st.integers(0, 400), st.sampled_from([Regime.TAX, Regime.CIVIL]))
def test_later_and_more_is_never_cheaper(principal, due, late, later, regime):
    paid = due + timedelta(days=late)
    now = RULES.interest(regime, principal, due_on=due, paid_on=max(paid, date(2025, 3, 1)))
    then = RULES.interest(regime, principal, due_on=due, paid_on=max(paid + timedelta(days=later), date(2025, 3, 1)))
    more = RULES.interest(regime, principal + Money(1), due_on=due, paid_on=max(paid, date(2025, 3, 1)))
    assert ZERO <= now <= then
    assert now <= more


@given(amounts, days, st.integers(0, 3000))
def test_tax_interest_is_whole_zloty_next_to_the_exact_sum_or_not_worth_charging(principal, due, late):
    paid = max(due + timedelta(days=late), date(2025, 3, 1))
    found = RULES.interest(Regime.TAX, principal, due_on=due, paid_on=paid)
    first = RULES.first_day(due)
    above, below = accrued(principal, RULES.tax, first=first, last=paid) if paid >= first else (0, 1)
    assert found.grosze % 100 == 0
    if above <= 870 * below:
        assert found == ZERO
    else:
        assert abs(found.grosze * below - above) * 2 <= 100 * below


@given(days)
def test_a_moved_day_is_a_working_day_and_nothing_free_lies_behind_it(due):
    moved = RULES.workdays.move(due)
    assert not RULES.workdays.is_free(moved)
    assert all(RULES.workdays.is_free(due + timedelta(days=step)) for step in range((moved - due).days))
    assert (moved - due).days <= 6


@given(st.dictionaries(days, st.integers(0, 5000), min_size=1, max_size=8), days, days)
def test_a_table_adds_up_what_it_says_of_each_day(steps, one, two):
    table = DatedTable(steps.items())
    first, last = max(min(one, two), min(steps)), min(max(one, two), min(one, two) + timedelta(days=500))
    expected = sum(table.value_on(first + timedelta(days=step)) for step in range((last - first).days + 1))
    assert table.sum_over(first, last) == expected


def test_the_shipped_tables_are_in_order_and_say_where_they_are_from():
    for name, table in SHIPPED.items():
        days_of_it = [step.from_on for step in table.steps]
        assert days_of_it == sorted(set(days_of_it)), name
        assert table.source, name
        assert all(step.value > 0 for step in table.steps), name
