"""The web pages of one district; see README.md."""
