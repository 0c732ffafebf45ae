"""Argon2 at the least cost it knows: well under a millisecond instead of a tenth of a
second. `tests/flows/test_local_sign_in.py` holds the product to its own cost.
"""

from argon2 import PasswordHasher

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
