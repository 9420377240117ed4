"""The Przelewy24 simulator: their side of the wire, their ledger, and everything that may go wrong with it."""
