"""The front door: the console and the JSON API over HTTP. No rules live here."""
