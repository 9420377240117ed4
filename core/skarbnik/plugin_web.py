"""What forms and lists of a plugin's pages share with the core's. Its own room, since `plugin_api` knows no Flask.

A plugin with pages imports this beside `plugin_api`, and nothing else of the core.
"""

from skarbnik.web.fields import DayOrNone, at_most, lines
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.paging import cursor, page_number

__all__ = ["DayOrNone", "TokenForm", "at_most", "check_token", "cursor", "lines", "page_number"]
