"""The NATS server as the platform sees it: one connection a process, streams and buckets declared in one place, a child server on one machine."""
from vonglau.broker.attachment import attached
from vonglau.broker.connection import Broker, Login, connect
from vonglau.broker.kv import Entry, KeyValue
from vonglau.broker.server import NatsServer

__all__ = ["Broker", "Entry", "KeyValue", "Login", "NatsServer", "attached", "connect"]
