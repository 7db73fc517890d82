class DamagedStream(Exception):
    """What the camera sends can't be understood any more: the connection is of no use, a new one may be."""
