"""Jackfield ties a phone system to Microsoft 365.

The floor plan of the package, and what may import what, is in docs/architecture.md.
"""
