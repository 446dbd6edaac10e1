"""Beside this file lie the modules that tests of several rooms share (`import agreements`)."""
