"""People, staff and clients of one district: who they are, what they may be here, and the tokens that say so."""
