"""The front door: the console, the employee's page and the JSON API over HTTP. No rules live here."""
