"""What JetStream says in numbers and headers, as far as the platform acts on it."""
from __future__ import annotations

EXPECTED = "Nats-Expected-Last-Subject-Sequence"  # a write under it is stored only if nobody wrote to the subject meanwhile
LOST_RACE = (10071, 10164)  # somebody did; the second is the form that clusters give
NO_MESSAGE = 10037  # on this subject
FULL = (10023, 10047, 10077)  # no room: in the server, for a stream's bound, in the stream
NAME_IN_USE = 10058  # by a stream of another configuration
