"""The public JSON API of one district: portals, kiosks and partners come in here, and only here."""
