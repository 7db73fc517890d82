"""RTSP 1.0 (RFC 2326) as cameras speak it: from an address to a socket on which media arrives, interleaved over TCP."""
