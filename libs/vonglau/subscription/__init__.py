"""Subscriptions: events in order, into documents or into reactions."""
from vonglau.subscription.projection import Plant, Projection, Seed, Source, Subscription, View, last_token
from vonglau.subscription.source import Delivered, EventSource, Interrupted, LogState, Reading

__all__ = [
    "Delivered",
    "EventSource",
    "Interrupted",
    "LogState",
    "Plant",
    "Projection",
    "Reading",
    "Seed",
    "Source",
    "Subscription",
    "View",
    "last_token",
]
