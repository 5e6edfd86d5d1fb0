"""The templates, the default rulebook and the maps, as package data."""
