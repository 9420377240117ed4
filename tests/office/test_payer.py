"""A payer as the office sees them: every instalment is reached, page by page."""

import re

from skarbnik.office.views import DEBTS_ON_A_PAGE
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, OfficialFactory, PayerFactory, bound_to


def test_no_instalment_of_a_payer_is_cut_off(browse, tenant):
    many = DEBTS_ON_A_PAGE * 4 + 7
    with tenant.session() as session, bound_to(session):
        payer, email = PayerFactory(), OfficialFactory(has_roles=[Role.AUDITOR]).email
        first = InstalmentFactory(payer=payer)
        for number in range(2, many + 1):
            InstalmentFactory(receivable=first.receivable, number=number)
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD, office=True)

    shown, path = [], f"/office/payers/{payer.id}"
    while path:
        page = browser.get(path).text
        shown += re.findall(r'data-label="Rata">(\d+)<', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following and following[1]

    assert shown == [str(number) for number in range(1, many + 1)]
    assert browser.get(f"/office/payers/{payer.id}?page=99").text.count('data-label="Rata"') == 7
