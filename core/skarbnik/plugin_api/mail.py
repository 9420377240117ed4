"""The contract of a sender of e-mail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Attachment:
    """A file that goes with an e-mail. `name` is plain ASCII with its ending, `media_type` as in RFC 6838."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class MailMessage:
    """One e-mail to one person. `message_id` (`uuid@host`) is fixed, so a repeat can be told from a new one."""

    message_id: str
    recipient: str
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()


class MailSender(ABC):
    """Hands one e-mail to a server that takes it from there."""

    id: ClassVar[str]
    label: ClassVar[str]
    contract: ClassVar[int] = 1
    settings_type: ClassVar[type]

    @abstractmethod
    def __init__(self, settings: Any) -> None:
        """`settings` is an instance of `settings_type`."""

    @abstractmethod
    def send(self, message: MailMessage) -> None:
        """Hand the message over. Refused: never try this one again. OutcomeUnknown, ExternalSystemError: try again."""
