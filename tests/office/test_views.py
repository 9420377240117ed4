"""The clerk's day."""

from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, CreditorAccountFactory, OfficialFactory, bound_to


def test_an_account_at_a_gateway_is_called_as_people_call_it(browse, tenant, open_account):
    with tenant.session() as session, bound_to(session):
        official = OfficialFactory(has_roles=[Role.ACCOUNTANT])
        open_account(session, tenant, CreditorAccountFactory(owner="Gmina Lipowo"), pos_id="300746")
    browser = browse("lipowo")
    browser.sign_in(official.email, PASSWORD, office=True)

    page = browser.get("/office/").text

    assert ">PayU <" in page.replace("\n", "")
    assert "300746" in page
    assert "payu 300746" not in page
