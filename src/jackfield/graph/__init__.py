"""The Microsoft room: Graph's and Entra's words in, ours out; it knows no database."""
