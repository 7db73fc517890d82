"""The NATS server as the platform sees it: one connection a process, streams and buckets declared in one place, a child server on one machine."""
from vonglau.broker.connection import Broker, connect
from vonglau.broker.kv import Entry, KeyValue
from vonglau.broker.server import NatsServer

__all__ = ["Broker", "Entry", "KeyValue", "NatsServer", "connect"]
