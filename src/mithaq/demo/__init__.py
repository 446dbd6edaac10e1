"""Synthetic people and prints, and two agencies on one machine. Nothing here is a real person or a real finger."""
