"""The workshop: observe, decide, act, record. Thin and asynchronous; the rules are in `core`."""
