"""The checks of a transaction, each in a file; `record.check` calls them and a profile weighs what they find."""
