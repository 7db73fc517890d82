class DamagedMedia(ValueError):  # noqa: N818 - named by consequence
    """Bytes that are no valid box, parameter set or fragment: the bytes are to be left out or reported, not retried."""
