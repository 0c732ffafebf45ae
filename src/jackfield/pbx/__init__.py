"""The switch room: phone systems behind one port."""
