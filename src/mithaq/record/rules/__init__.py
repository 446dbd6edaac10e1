"""Rules as data: what a profile holds, and how its file is read. `record.profile` is the way in."""
