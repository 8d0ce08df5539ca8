"""Tests that reach over more than one service; a service's own stand in its folder."""
