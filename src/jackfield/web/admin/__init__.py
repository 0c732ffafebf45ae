"""The administrator's console, one file per room of its menu."""

from jackfield.web.admin import overview

PAGES = [*overview.ROUTES]
