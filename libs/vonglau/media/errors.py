class DamagedMedia(ValueError):
    """Bytes that are no valid box, parameter set or fragment: the bytes are to be left out or reported, not retried."""
