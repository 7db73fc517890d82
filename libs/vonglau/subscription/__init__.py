"""Subscriptions: events in order, into documents or into reactions."""
from vonglau.subscription.jetstream import JetStreamEvents
from vonglau.subscription.memory import MemoryEvents
from vonglau.subscription.meter import Behind, Meter
from vonglau.subscription.parked import ParkedEvents, ParkedKey
from vonglau.subscription.projection import Plant, Projection, Seed, Source, Subscription, View, last_token
from vonglau.subscription.rebuild import Rebuilding
from vonglau.subscription.runner import LogStatus, ProjectionRunner, Status
from vonglau.subscription.serving import Lease
from vonglau.subscription.source import Delivered, EventSource, Interrupted, LogState, Reading
from vonglau.subscription.stage import Pace, Replayed

__all__ = [
    "Behind",
    "Delivered",
    "EventSource",
    "Interrupted",
    "JetStreamEvents",
    "Lease",
    "LogState",
    "LogStatus",
    "MemoryEvents",
    "Meter",
    "Pace",
    "ParkedEvents",
    "ParkedKey",
    "Plant",
    "Projection",
    "ProjectionRunner",
    "Reading",
    "Rebuilding",
    "Replayed",
    "Seed",
    "Source",
    "Status",
    "Subscription",
    "View",
    "last_token",
]
