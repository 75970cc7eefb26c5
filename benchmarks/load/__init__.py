"""The load generator: a process of its own, on a core of its own.

Nothing in it parses messages while it measures. The answer to a message always has the same
length, so counting bytes counts messages; what does not come out even is an error.
"""
