"""Exchange with the finance system PUMA: its files become rows, our bookings become its files."""
