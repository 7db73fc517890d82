"""From interleaved RTP to whole groups of pictures: depacketiser, audio, camera clock. Bytes in, values out; no sockets, files or event loop."""
