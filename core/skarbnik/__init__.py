"""Skarbnik: a portal where residents of Polish municipalities see what they owe and pay it."""
