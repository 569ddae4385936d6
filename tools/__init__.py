"""Programs for developers: each Makefile verb that needs more than one line has its file here."""
