"""Vọng Lâu: the libraries that every service stands on."""
