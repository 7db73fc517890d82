"""Bytes of one message; streams cut what is larger."""
LARGEST_REQUEST = 4 << 20
LARGEST_RESPONSE = 8 << 20
