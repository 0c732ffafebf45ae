"""The administrator's console, one file per room of its menu."""
