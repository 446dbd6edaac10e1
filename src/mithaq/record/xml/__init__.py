"""NIEM XML of ANSI/NIST-ITL and INT-I, both ways: `package` is the way in, the rest are its parts."""
