"""Other people's software against ours, as it is published: what signs people in elsewhere does so here."""
