"""Exchange with whoever keeps receivables in a spreadsheet: one plain CSV in, one plain CSV out and back."""
