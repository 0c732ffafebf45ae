"""A stateful Microsoft 365 tenant that speaks HTTP, for demonstrations, tests and rehearsals.

It never imports Jackfield, nor Jackfield it: what the two agree on is Microsoft's interface.
"""
