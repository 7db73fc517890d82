"""The operators; each runs as `python -m operators.<name>`."""
