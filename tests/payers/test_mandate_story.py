"""Whatever is asked, decided and ended in whatever order, somebody acts exactly for whom the last decision says."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import Conflict
from skarbnik.payers import mandates
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest
from skarbnik.payers.states import RequestState
from skarbnik.portal.queries import find_payer_of
from skarbnik.testing.factories import OfficialFactory, PayerFactory, UserFactory

STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 1)),
    st.tuples(st.just("withdraw"), st.integers(0, 5)),
    st.tuples(st.just("confirm"), st.integers(0, 5), st.integers(-2, 2), st.none() | st.integers(0, 3), st.booleans()),
    st.tuples(st.just("refuse"), st.integers(0, 5)),
    st.tuples(st.just("end"), st.integers(0, 1)),
    st.tuples(st.just("give up"), st.integers(0, 1)),
)


class Model:
    """What a clerk would keep on paper: for each payer the days of the last decision, until it is crossed out."""

    def __init__(self, session):
        self.session = session
        self.user, self.official = UserFactory(), OfficialFactory()
        self.payers = [PayerFactory(), PayerFactory()]
        self.asked = []  # requests, with the number of the payer that is meant
        self.good = {}  # by number of the payer

    def do(self, name, *words):
        step = getattr(self, name.replace(" ", "_"))
        try:
            with self.session.begin_nested():
                step(*words)
        except Conflict:
            self.session.expire_all()

    def ask(self, number):
        wish = mandates.Wish(MandateBasis.PROXY, "Pełnomocnictwo", may_pay=True, name=f"Osoba {number}")
        made = mandates.ask_mandate(self.session, user_id=self.user.id, wish=wish, language="pl")
        if made.id not in [each for each, _number in self.asked]:
            self.asked.append((made.id, number))

    def _pick(self, place):
        return self.asked[place % len(self.asked)] if self.asked else (None, None)

    def withdraw(self, place):
        request_id, _number = self._pick(place)
        if request_id:
            mandates.withdraw_request(self.session, request_id, user_id=self.user.id)

    def refuse(self, place):
        request_id, _number = self._pick(place)
        if request_id:
            mandates.refuse_request(self.session, request_id, reason="Nie.", by=self.official.id)

    def confirm(self, place, begins, lasts, may_pay):
        request_id, number = self._pick(place)
        if not request_id:
            return
        first = clock.today() + timedelta(days=begins)
        last = None if lasts is None else max(first, clock.today()) + timedelta(days=lasts)
        decision = mandates.Decision(self.payers[number].id, MandateBasis.PROXY, may_pay, first, last)
        mandates.confirm_request(self.session, request_id, decision, by=self.official.id)
        self.good[number] = (request_id, first, last)

    def _mandate(self, number):
        mine = (Mandate.user_id == self.user.id) & (Mandate.payer_id == self.payers[number].id)
        return self.session.scalars(select(Mandate.id).where(mine)).one_or_none()

    def end(self, number):
        found = self._mandate(number)
        if found:
            mandates.end_mandate(self.session, found, reason="Odwołano.", by=self.official.id)
            self.good.pop(number)

    def give_up(self, number):
        found = self._mandate(number)
        if found:
            mandates.give_up_mandate(self.session, found, user_id=self.user.id)
            self.good.pop(number)

    def check(self):
        for number, payer in enumerate(self.payers):
            for later in range(-3, 6):
                day = clock.today() + timedelta(days=later)
                _request, first, last = self.good.get(number, (None, None, None))
                wanted = first is not None and first <= day and (last is None or day <= last)
                ended_before = first is None and day < clock.today()  # what was good once is not asked here
                found = find_payer_of(self.session, payer.id, user_id=self.user.id, today=day)
                assert (found is not None) == wanted or ended_before, (number, later)
        states = {}
        for request_id, _number in self.asked:
            request = self.session.get_one(MandateRequest, request_id)
            states.setdefault(request.state, set()).add(request_id)
        assert states.get(RequestState.CONFIRMED, set()) == {each[0] for each in self.good.values()}


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_somebody_acts_exactly_as_the_last_decision_says(session, steps):
    with session.begin_nested() as undone:
        model = Model(session)
        for name, *words in steps:
            model.do(name, *words)
            model.check()
        undone.rollback()
