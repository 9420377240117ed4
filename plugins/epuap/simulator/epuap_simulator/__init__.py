"""The simulator of login.gov.pl: the national node's side of the wire, with people to be, and all that may go wrong."""
