"""The PayU simulator: PayU's side of the wire, its ledger, and everything that may go wrong with it."""
