"""Timelines, playback, archives, retention and proof of what ingest recorded."""
