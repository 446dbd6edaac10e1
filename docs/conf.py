"""Sphinx: plain Markdown pages with MyST and Furo."""

project = "mithaq"
copyright = "2026, the mithaq authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "mithaq"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
