"""People signing in: the pages of the login authority, and the grants that come of them.

`authorize.py`, `device.py` and `admin_consent.py` are the ways in, `steps.py` what they have in
common, `redeem.py` what the token endpoint makes of it. Apps that sign in as themselves are served
by `identity.py`.
"""
