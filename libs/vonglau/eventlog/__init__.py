"""The log is the truth: events of aggregates in JetStream streams, decided upon under optimistic concurrency.

    version = await log.decide(camera_stream("cam-1"), CAMERA, partial(retire, request=request, permit=permit), call=permit.call)
"""
from vonglau.eventlog.decision import Call, Command, Decision, Event, Fold, On, on
from vonglau.eventlog.event import AggregateStream, Recorded, Version, aggregate_stream, checked_id
from vonglau.eventlog.facts import FactPublisher, FactReader
from vonglau.eventlog.headers import HeaderWriter, uuid7
from vonglau.eventlog.history import History
from vonglau.eventlog.jetstream import JetStreamStore
from vonglau.eventlog.log import EventLog
from vonglau.eventlog.memory import MemoryStore
from vonglau.eventlog.port import Append, EventStore, LostRace, OutcomeUnknown
from vonglau.eventlog.walk import LogWalk

__all__ = [
    "AggregateStream",
    "Append",
    "Call",
    "Command",
    "Decision",
    "Event",
    "EventLog",
    "EventStore",
    "FactPublisher",
    "FactReader",
    "Fold",
    "HeaderWriter",
    "History",
    "JetStreamStore",
    "LogWalk",
    "LostRace",
    "MemoryStore",
    "On",
    "OutcomeUnknown",
    "Recorded",
    "Version",
    "aggregate_stream",
    "checked_id",
    "on",
    "uuid7",
]
