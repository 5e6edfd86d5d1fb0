"""The commands, one thin module a word or a family of words."""
