"""mithaq."""
