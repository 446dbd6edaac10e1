"""Forms of minutiae and finger pictures outside the transaction's own fields, each both ways; `record.interchange` is the way in."""
