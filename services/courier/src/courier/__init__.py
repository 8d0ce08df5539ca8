"""The signed link to every other district: what leaves is numbered, sealed and kept until receipted; what arrives is checked."""
