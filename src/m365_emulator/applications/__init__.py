"""Microsoft Graph's `/applications`, `/servicePrincipals`, role assignments and permission grants.

What is kept stands in `apps.py` and `manifest.py`; here it is read, judged, changed and told.
"""
