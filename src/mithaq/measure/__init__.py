"""Figures about this build on this machine: each command measures one thing and reports it; none of them gates a test."""
