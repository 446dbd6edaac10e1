"""Transactions made from rules: one that keeps a profile, one that breaks a rule alone. `explain` and `skeleton` are the ways in."""
