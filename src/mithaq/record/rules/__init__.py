"""Rules as data: what a profile holds, how its file is read, and how a rule is shown. `record.profile` is the way in."""
