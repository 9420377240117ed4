"""What every room of the simulator needs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app, request

if TYPE_CHECKING:
    from przelewy24_simulator.faults import Faults
    from przelewy24_simulator.ledger import Ledger


@dataclass
class Simulator:
    """One running simulator. `bell` wakes whoever sends notifications."""

    ledger: Ledger
    faults: Faults
    time_scale: float
    public_url: str | None = None
    bell: threading.Event = field(default_factory=threading.Event)

    def seconds(self, real: float) -> float:
        """How long a wait of Przelewy24 takes here."""
        return real / self.time_scale

    def address(self) -> str:
        return (self.public_url or request.host_url).rstrip("/")


def simulator() -> Simulator:
    return current_app.extensions["przelewy24_simulator"]
