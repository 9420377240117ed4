"""What the simulator is asked to do wrong. Counters go down with each use; switches stay until they are set back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

DOCUMENT_FAULTS = ("missing_document", "wrong_document", "no_pdf", "huge_document")
EXPORT_FAULTS = ("truncate_export", "duplicate_number", "skip_number", "wrong_totals", "wrong_encoding", "dtd")


@dataclass
class Faults:
    truncate_export: int = 0  # so many next exports end in the middle
    duplicate_number: int = 0  # … carry the number of the one before
    skip_number: int = 0  # … carry a number too high
    wrong_totals: int = 0
    wrong_encoding: int = 0
    dtd: int = 0
    drop_echo: int = 0  # so many next exports leave the booking ids out
    refuse_every: int = 0  # each Nth booking is refused; 0 is none
    delay_ack: float = 0  # seconds
    double_ack: bool = False
    never_ack: bool = False
    missing_document: int = 0  # so many next documents are named and not laid
    wrong_document: int = 0  # … have other bytes than their name says
    no_pdf: int = 0  # … are no PDF
    huge_document: int = 0  # … are larger than 20 MB
    delay_documents: float = 0  # seconds after which documents come, when their export is there already
    # Over HTTP:
    refuse_token: int = 0  # so many next requests are answered with 401, whatever the token
    fail: int = 0  # … with 500
    redirect: int = 0  # … with 302, to somewhere else
    nonsense: int = 0  # … with a page of HTML
    huge_list: int = 0  # so many next lists have thousands of files
    evil_name: int = 0  # … a file whose name leads out of the folder
    wrong_sha: int = 0  # … sums that are not those of the files
    cut_at: int = 0  # the next download ends after so many bytes, once
    damage: int = 0  # so many next downloads have a wrong byte
    ignore_range: int = 0  # … are whole, though a part was asked for
    wrong_offset: int = 0  # … continue at another place than was asked for
    drip: int = 0  # … come byte by byte
    lose_answer: int = 0  # so many next batches are booked, and the answer to the request is lost
    fail_after_booking: int = 0  # … are booked, and answered with 500

    seen = 0  # bookings since the start, for refuse_every

    def set(self, values: dict[str, object]) -> None:
        """Take over what was sent; ValueError names what does not exist or has the wrong type."""
        known = {field.name: type(getattr(Faults(), field.name)) for field in fields(self)}
        for name, value in values.items():
            kind = known.get(name)
            if kind is None:
                raise ValueError(f"there is no fault {name}")
            if kind is bool and not isinstance(value, bool):
                raise ValueError(f"{name} is true or false")
            if kind is not bool and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                raise ValueError(f"{name} is a number from 0")
        for name, value in values.items():
            setattr(self, name, known[name](value))

    def take(self, name: str) -> bool:
        left = getattr(self, name)
        if left:
            setattr(self, name, left - 1)
        return bool(left)

    def take_cut(self) -> int | None:
        """After how many bytes the next download ends. None: not before its end."""
        self.cut_at, place = 0, int(self.cut_at)
        return place or None

    def take_export_fault(self) -> str | None:
        """The one thing wrong with the next export."""
        return next((name for name in EXPORT_FAULTS if self.take(name)), None)

    def take_document_fault(self) -> str | None:
        return next((name for name in DOCUMENT_FAULTS if self.take(name)), None)

    def refuses(self) -> bool:
        self.seen += 1
        return bool(self.refuse_every) and self.seen % self.refuse_every == 0

    def shown(self) -> dict[str, object]:
        return asdict(self)
