"""The keyboard: arguments in, one call of the API, an exit code out."""
