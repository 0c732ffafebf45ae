"""The quiet room: what is decided, without asking the time, the network or a database."""
