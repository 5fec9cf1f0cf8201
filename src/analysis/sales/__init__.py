"""How selling works."""
