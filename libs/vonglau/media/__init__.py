"""Reading and writing of what cameras send and the footage store keeps: parameter sets, fragmented MP4, media time. No I/O but files, no sockets."""
