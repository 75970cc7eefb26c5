"""Every test of this folder runs on the stock loop and, where it is installed, on uvloop."""
